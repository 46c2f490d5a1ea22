import {
  CompactionGuest,
  CompactionHandle,
  CompactionState,
} from '@arena-level/common/protocol/compaction-control';
import { describe, expect, test } from 'vitest';
import { type GateMember, PauseGate } from './pause-gate.ts';

/** A store that says what it has; what changes is told to the gate by the test. */
class FakeStore implements GateMember {
  handles: CompactionHandle[] = [];
  builds = 0;
  urgent = false;
  flushes = (): number => this.builds;
  compactions = (): readonly CompactionHandle[] => this.handles;
  isUrgent = (): boolean => this.urgent;

  compact(): CompactionHandle {
    const handle = new CompactionHandle();
    this.handles.push(handle);
    return handle;
  }
}

function storesAt(gate: PauseGate, count: number): FakeStore[] {
  return Array.from({ length: count }, () => {
    const store = new FakeStore();
    gate.add(store);
    return store;
  });
}

const stateOf = (handle: CompactionHandle): CompactionState => new CompactionGuest(handle.memory).state;

describe('the pause gate of a thread with two cores', () => {
  test('pauses a compaction while a flush runs, and resumes it behind it', () => {
    const gate = new PauseGate(2);
    const [store] = storesAt(gate, 1);
    const handle = store!.compact();
    gate.update();
    expect(stateOf(handle)).toBe(CompactionState.Running);
    store!.builds = 1;
    gate.update();
    gate.update();
    expect(stateOf(handle)).toBe(CompactionState.Paused);
    expect(gate.pauses).toBe(1);
    store!.builds = 0;
    gate.update();
    expect(stateOf(handle)).toBe(CompactionState.Running);
  });

  test('leaves out a store whose writers wait for its compaction', () => {
    const gate = new PauseGate(2);
    const [urgent, other] = storesAt(gate, 2);
    const handles = [urgent!.compact(), other!.compact()];
    urgent!.urgent = true;
    urgent!.builds = 1;
    gate.update();
    expect(handles.map(stateOf)).toEqual([CompactionState.Running, CompactionState.Paused]);
    urgent!.urgent = false;
    gate.update();
    expect(handles.map(stateOf)).toEqual([CompactionState.Paused, CompactionState.Paused]);
    urgent!.urgent = true;
    gate.update();
    expect(stateOf(handles[0]!)).toBe(CompactionState.Running);
  });

  test('pauses the compaction of one store for the flush of another, also one that begins meanwhile', () => {
    const gate = new PauseGate(2);
    const [flushing, compacting] = storesAt(gate, 2);
    flushing!.builds = 1;
    const first = compacting!.compact();
    gate.update();
    compacting!.handles = [];
    const second = compacting!.compact();
    gate.update();
    expect(stateOf(second)).toBe(CompactionState.Paused);
    // What has ended is not counted, and not touched any more.
    expect(stateOf(first)).toBe(CompactionState.Paused);
    flushing!.builds = 0;
    gate.update();
    expect(stateOf(second)).toBe(CompactionState.Running);
  });

  test('resumes what it paused for a store that leaves', () => {
    const gate = new PauseGate(2);
    const flushing = new FakeStore();
    const leave = gate.add(flushing);
    const [compacting] = storesAt(gate, 1);
    const handle = compacting!.compact();
    flushing.builds = 1;
    gate.update();
    expect(stateOf(handle)).toBe(CompactionState.Paused);
    leave();
    expect(stateOf(handle)).toBe(CompactionState.Running);
  });
});

test('a thread with cores to spare pauses nothing', () => {
  const gate = new PauseGate(4);
  const [store] = storesAt(gate, 1);
  const handle = store!.compact();
  store!.builds = 2;
  gate.update();
  expect(stateOf(handle)).toBe(CompactionState.Running);
  store!.builds = 3;
  gate.update();
  expect(stateOf(handle)).toBe(CompactionState.Paused);
});
