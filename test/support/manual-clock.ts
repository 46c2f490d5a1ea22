export { ManualClock } from '@arena-level/common/base/manual-clock.test-support';
