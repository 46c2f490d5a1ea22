import { describe, expect, test } from 'vitest';
import { nextTurn, settle } from '../../../../test/support/eventually.ts';
import { ProgressWatch } from './progress-watch.ts';

/** An owner whose progress is set by hand, and a thread that counts its looks and always has `writes` on their way. */
function watched(writes: number) {
  const link = {
    progress: 0,
    hasEnded: false,
    awaitsMessage: false,
    isKeptAlive: false,
    asked: [] as number[],
    onAsked: () => {},
    wantMessage(ticket: number): void {
      link.awaitsMessage = true;
      link.isKeptAlive = true;
      link.asked.push(ticket);
      link.onAsked();
    },
    keepAlive(isWanted: boolean): void {
      link.isKeptAlive = isWanted;
    },
  };
  const looks: number[] = [];
  const begin = (): void => watch.begin(link.progress, writes);
  const look = (): void => {
    looks.push(link.progress);
    begin();
  };
  const watch = new ProgressWatch(link, look, () => 77);
  return { link, looks, watch, begin };
}

describe('a thread with several writes on their way', () => {
  test('looks in its next turn, and asks for no message while there is progress', async () => {
    const { link, looks, watch, begin } = watched(2);
    begin();
    for (link.progress = 1; link.progress < 20; link.progress++) await nextTurn();
    expect(looks).toEqual(Array.from({ length: 19 }, (_, at) => at + 1));
    expect(link.asked).toEqual([]);
    expect(link.isKeptAlive).toBe(false);
    watch.end();
  });

  test('asks once when there is none, is kept alive, and looks no more by itself', async () => {
    const { link, looks, begin } = watched(2);
    begin();
    expect(link.asked).toEqual([]);
    await settle();
    expect(link.asked).toEqual([77]);
    expect(link.isKeptAlive).toBe(true);
    link.progress++;
    begin();
    link.progress++;
    await settle();
    expect(link.isKeptAlive).toBe(true);
    expect(link.asked).toEqual([77]);
    expect(looks).toEqual([]);
  });

  test('looks again when it has asked: what came before comes without a message', async () => {
    const { link, looks, begin } = watched(2);
    link.onAsked = () => link.progress++;
    begin();
    await settle();
    expect(link.asked).toEqual([77]);
    expect(looks).toEqual([1]);
  });

  test('sees that nothing more is answered', async () => {
    const { link, looks, watch, begin } = watched(2);
    begin();
    link.hasEnded = true;
    await nextTurn();
    expect(looks).toHaveLength(1);
    watch.end();
  });
});

describe('a thread with one write on its way', () => {
  test('asks at once', () => {
    const { link, looks, begin } = watched(1);
    begin();
    expect(link.asked).toEqual([77]);
    expect(link.isKeptAlive).toBe(true);
    expect(looks).toEqual([]);
  });

  test('does not ask for what is there: it is looked at in the next turn', async () => {
    const { link, looks, watch } = watched(1);
    link.progress = 1;
    watch.begin(0, 1);
    expect(link.asked).toEqual([]);
    await nextTurn();
    expect(looks).toEqual([1]);
  });
});

test('one without writes does not look, nor ask, nor is it kept alive', async () => {
  const { link, looks, watch, begin } = watched(2);
  begin();
  watch.end();
  link.progress++;
  await settle();
  expect(looks).toEqual([]);
  expect(link.asked).toEqual([]);
  expect(link.isKeptAlive).toBe(false);
});
