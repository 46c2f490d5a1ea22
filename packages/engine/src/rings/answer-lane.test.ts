import { expect, test } from 'vitest';
import { AnswerLane } from './answer-lane.ts';

function lane(): { readonly lane: AnswerLane; readonly counter: () => number } {
  const control = new Int32Array(3);
  return { lane: new AnswerLane(control, 1), counter: () => control[1]! };
}

test('the counter passes a write when all before it have their answer', () => {
  const { lane: answers, counter } = lane();
  const [a, b, c] = [{}, {}, {}];
  for (const ticket of [1, 2]) answers.expect(ticket, a);
  answers.expect(3, b);
  answers.expect(4, c);
  answers.settle(b);
  expect(counter()).toBe(0);
  answers.settle(a);
  expect(counter()).toBe(3);
  answers.settle(c);
  expect(counter()).toBe(4);
  expect(answers.isEmpty).toBe(true);
});

test('tells of the writes that failed, and of no others', () => {
  const { lane: answers, counter } = lane();
  const [group, other] = [{}, {}];
  answers.expect(1, group);
  answers.expect(2, group);
  answers.expect(3, other);
  answers.expect(4, group);
  const failed: number[][] = [];
  answers.settle(group, (first, last) => failed.push([first, last]));
  expect(failed).toEqual([
    [1, 2],
    [4, 4],
  ]);
  expect(counter()).toBe(2);
  answers.settle(other);
  expect(failed).toHaveLength(2);
  expect(counter()).toBe(4);
});

test('one that is settled is not extended', () => {
  const { lane: answers } = lane();
  const [before, fate] = [{}, {}];
  answers.expect(1, before);
  answers.expect(2, fate);
  answers.settle(fate);
  answers.expect(3, fate);
  answers.settle(before);
  expect(answers.isEmpty).toBe(false);
});
