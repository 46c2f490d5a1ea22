/**
 * The real flush worker, except that it misbehaves as a plan beside the store says: `<store>.plan.json`, one of
 * `misbehaviour.ts`. What has been used up of a plan is kept in files beside it, since the thread may not live to
 * tell. Plain JavaScript, because a worker thread runs it without a build.
 */
import fs, {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import handleTask from '../../packages/worker-flush/dist/flush.worker.mjs';

const realWriteSync = fs.writeSync;
/** What happens in the middle of the next write to a file; undefined: nothing. */
let amidWrite;

fs.writeSync = (descriptor, bytes, start, length, position) => {
  const misbehave = amidWrite;
  amidWrite = undefined;
  if (misbehave !== undefined) {
    realWriteSync(descriptor, bytes, start, length >>> 1, position);
    misbehave();
  }
  return realWriteSync(descriptor, bytes, start, length, position);
};
syncBuiltinESMExports();

export default function (request) {
  const plan = request.storage === undefined ? undefined : takePlan(request.storage.directory, request.task);
  if (plan === undefined) return handleTask(request);
  const misbehave = () => misbehaveAs(plan.misbehaviour, request);
  if (plan.stage === 'before') return insteadOf(() => handleTask(request), misbehave());
  if (plan.stage === 'while') amidWrite = misbehave;
  const answer = handleTask(request);
  amidWrite = undefined;
  if (plan.stage === 'while') return answer;
  return insteadOf(() => lieIn(answer, plan.misbehaviour, request), misbehave());
}

/** The plan that holds for this task; each of its times is taken by one thread only, whatever the others do. */
function takePlan(directory, task) {
  const path = `${directory}.plan.json`;
  if (!existsSync(path)) return undefined;
  const plan = JSON.parse(readFileSync(path, 'utf8'));
  if (plan.task !== task) return undefined;
  for (let time = 1; time <= plan.times; time++) if (createdFirst(`${path}.${time}`)) return plan;
  return undefined;
}

function createdFirst(path) {
  try {
    closeSync(openSync(path, 'wx'));
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function insteadOf(answer, other) {
  return other === undefined ? answer() : other;
}

/** Does not return where the thread ends or hangs; what it returns, unless that is undefined, is the answer. */
function misbehaveAs(misbehaviour, request) {
  switch (misbehaviour) {
    case 'throws':
      throw new Error('thrown on purpose');
    case 'exits':
      return process.exit(3);
    case 'waits and exits':
      writeFileSync(`${request.storage.directory}.waits`, '');
      while (!existsSync(`${request.storage.directory}.go`)) pause(1);
      return process.exit(3);
    case 'throws later':
      setImmediate(() => {
        throw new Error('thrown later on purpose');
      });
      return undefined;
    case 'throws later and never answers':
      setImmediate(() => {
        throw new Error('thrown later on purpose');
      });
      return new Promise(() => {});
    case 'runs out of memory': {
      const hoard = [];
      for (;;) hoard.push(new Array(1e5).fill(hoard.length));
    }
    case 'hangs':
      writeFileSync(`${request.storage.directory}.hangs`, '');
      pause(Infinity);
      return undefined;
    case 'answers with text':
      return 'built';
    case 'answers nothing':
      return null;
    case 'answers in another shape':
      return { kind: 'built', table: { size: -1 } };
    case "answers 'empty'":
      return { kind: 'empty' };
    case "answers 'cancelled'":
      return { kind: 'cancelled' };
    default:
      return undefined;
  }
}

/** Holds the thread, as a call that blocks would. */
function pause(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** An answer that does not match the arena or the file. */
function lieIn(answer, misbehaviour, request) {
  if (answer.kind === 'compacted') return lieInCompaction(answer, misbehaviour, request);
  const { table } = answer;
  switch (misbehaviour) {
    case 'states too few entries':
      return { ...answer, table: { ...table, entries: table.entries - 1 } };
    case 'states too many dropped':
      return { ...answer, dropped: answer.dropped + 1 };
    case 'states another size':
      return { ...answer, table: { ...table, size: table.size + 1 } };
    case 'states another root':
      return { ...answer, table: { ...table, root: new Uint8Array(32) } };
    case 'states another number of blocks':
      return { ...answer, table: { ...table, blocks: table.blocks + 1 } };
    case 'states a greater smallest key':
      return { ...answer, table: { ...table, smallest: table.largest } };
    case 'states a lesser largest key':
      return { ...answer, table: { ...table, largest: table.smallest } };
    case 'leaves the file cut short':
      truncateSync(temporaryOf(request, request.tempNumber), table.size - 1);
      return answer;
    case 'leaves no file':
      unlinkSync(temporaryOf(request, request.tempNumber));
      return answer;
    default:
      return answer;
  }
}

/** The same of a compaction: about its first output. */
function lieInCompaction(answer, misbehaviour, request) {
  const [{ tempNumber, table }, ...others] = answer.tables;
  const withTable = (change) => ({
    ...answer,
    tables: [{ tempNumber, table: { ...table, ...change } }, ...others],
  });
  switch (misbehaviour) {
    case 'states too few entries':
      return withTable({ entries: table.entries - 1 });
    case 'states too many dropped':
      return { ...answer, dropped: answer.dropped + 1 };
    case 'states another size':
      return withTable({ size: table.size + 1 });
    case 'states another root':
      return withTable({ root: new Uint8Array(32) });
    case 'states another number of blocks':
      return withTable({ blocks: table.blocks + 1 });
    case 'states a greater smallest key':
      return withTable({ smallest: table.largest });
    case 'states a lesser largest key':
      return withTable({ largest: table.smallest });
    case 'leaves the file cut short':
      truncateSync(temporaryOf(request, tempNumber), table.size - 1);
      return answer;
    case 'leaves no file':
      unlinkSync(temporaryOf(request, tempNumber));
      return answer;
    default:
      return answer;
  }
}

function temporaryOf(request, number) {
  return `${request.storage.directory}/${String(number).padStart(6, '0')}.dbtmp`;
}
