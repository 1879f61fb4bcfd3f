/** A deployment without streaming export, read by a query, written to another one. */
import { expect, test } from 'vitest';
import { dedup, Destination } from '../../destination-convex/setup.ts';
import { statesOf } from '../../support/messages.ts';
import { savedStates } from '../setup.ts';
import { appOf, CHANGED, readQueries } from './setup.ts';

test('from a plan without streaming export into a deployment, and its changes after it', async () => {
  await using source = await appOf();
  await using destination = await Destination.start();
  const notes = Array.from({ length: 10 }, (_, n) => ({
    rev: n,
    text: `note ${n} \u{1F600}`,
    tags: ['a', null, { n }],
  }));
  source.deployment.load('notes', notes);
  const sync = async (state: unknown[] | undefined) => {
    const read = await readQueries(source, [CHANGED], state === undefined ? {} : { state });
    expect(read.code).toBe(0);
    const lines = read.lines.filter((line) => /^\{"type":"(RECORD|STATE|TRACE)"/.test(line));
    const written = await destination.write({ streams: [dedup('notes')] }, lines);
    expect(written.code).toBe(0);
    // Every state comes back, and the destination counts what the source has counted.
    const counts = statesOf(written.lines).map(({ sourceStats, destinationStats }) => [
      sourceStats?.recordCount,
      destinationStats?.recordCount,
    ]);
    expect(counts.length).toBe(statesOf(read.lines).length);
    for (const [sent, stored] of counts) expect(stored).toBe(sent);
    return savedStates(written.lines);
  };
  const same = () => {
    const stored = destination
      .rows('notes')
      .map(({ source_id, source_creationtime: _creationTime, ...fields }) => ({ id: source_id, ...fields }));
    const there = [...source.deployment.documents('notes')].map(({ _id, _creationTime, ...fields }) => ({
      id: _id,
      ...fields,
    }));
    const byId = (a: { id: unknown }, b: { id: unknown }) => (String(a.id) < String(b.id) ? -1 : 1);
    expect(stored.sort(byId)).toEqual(there.sort(byId));
  };
  let state = await sync(undefined);
  same();
  const [first] = [...source.deployment.documents('notes')];
  source.deployment.transaction((tx) => {
    tx.patch(first!._id, { rev: 100, text: 'changed' });
    tx.insert('notes', { rev: 101, text: 'new' });
  });
  state = await sync(state);
  same();
  await sync(state);
  same();
});
