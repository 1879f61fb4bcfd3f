/** What holds of every output of a `read` that was not killed, whatever happened in it. */
import { expect } from 'vitest';
import { messagesOf, streamName } from '../support/messages.ts';
import type { Finished } from '../support/process.ts';

const ENDINGS = ['COMPLETE', 'INCOMPLETE'];

interface Seen {
  statuses: string[];
  /** Records since the last state. */
  uncounted: number;
  states: string[];
}

/** `secret`: what must not be anywhere in the output. */
export function expectProtocol({ code, lines, rest, stderr }: Finished, secret: string): void {
  expect({ rest, stderr }).toEqual({ rest: '', stderr: '' });
  expect(lines.filter((line) => line.includes(secret))).toEqual([]);
  const streams = new Map<string, Seen>();
  const seen = (descriptor: { name: string; namespace?: string }): Seen => {
    const name = streamName(descriptor);
    const stream = streams.get(name) ?? { statuses: [], uncounted: 0, states: [] };
    streams.set(name, stream);
    return stream;
  };
  let errors = 0;
  for (const message of messagesOf(lines)) {
    if (message.type === 'RECORD') {
      const { stream, namespace } = message.record;
      const about = seen(namespace === undefined ? { name: stream } : { name: stream, namespace });
      expect(about.statuses.at(-1)).toBe('RUNNING');
      about.uncounted++;
    } else if (message.type === 'STATE') {
      if (message.state.type !== 'STREAM') throw new Error(`a state is of type ${message.state.type}`);
      const { stream, sourceStats } = message.state;
      const about = seen(stream.stream_descriptor);
      expect(ENDINGS).not.toContain(about.statuses.at(-1));
      expect(sourceStats).toEqual({ recordCount: about.uncounted });
      expectState(stream.stream_state);
      const text = JSON.stringify(stream.stream_state);
      // The protocol calls two equal states with records between them an error.
      if (about.uncounted > 0) expect(text).not.toBe(about.states.at(-1));
      about.states.push(text);
      about.uncounted = 0;
    } else if (message.type === 'TRACE' && message.trace.type === 'STREAM_STATUS') {
      const { stream_descriptor, status } = message.trace.stream_status;
      seen(stream_descriptor).statuses.push(status);
    } else if (message.type === 'TRACE' && message.trace.type === 'ERROR') {
      errors++;
    }
  }
  for (const { statuses, states, uncounted } of streams.values()) {
    expect([
      ['STARTED', 'RUNNING', 'COMPLETE'],
      ['STARTED', 'RUNNING', 'INCOMPLETE'],
      ['STARTED', 'INCOMPLETE'],
    ]).toContainEqual(statuses);
    if (statuses.at(-1) !== 'COMPLETE') continue;
    expect(states.length).toBeGreaterThan(0);
    expect(uncounted).toBe(0);
  }
  // A failure is told once, as a TRACE, and by the exit code.
  const incomplete = [...streams.values()].filter(({ statuses }) => statuses.at(-1) === 'INCOMPLETE').length;
  expect(code).toBe(incomplete > 0 || errors > 0 ? 1 : 0);
  if (code === 1) expect(errors).toBeGreaterThan(0);
}

function expectState(state: Record<string, unknown> | undefined): void {
  const { snapshot_cursor, snapshot_has_more, delta_cursor, deployment, sync_id, data_sync, ...more } = state ?? {};
  expect(more).toEqual({});
  expect(delta_cursor).toMatch(/^\d{19}$/);
  expect(typeof snapshot_has_more).toBe('boolean');
  if (snapshot_has_more === false) expect(snapshot_cursor).toBeNull();
  else expect([null, 'string']).toContain(snapshot_cursor === null ? null : typeof snapshot_cursor);
  expect(['string', 'undefined']).toContain(typeof deployment);
  expect(['number', 'undefined']).toContain(typeof sync_id);
  if (data_sync !== undefined) expectPlace(data_sync as Record<string, unknown>, delta_cursor as string);
}

/** Where a stream stands in Data Sync. A cursor that has read further than the stream would skip changes. */
function expectPlace(place: Record<string, unknown>, position: string): void {
  const { chain, cursor, ts, held = [], compared, ...more } = place;
  expect(more).toEqual({});
  if (chain !== null) expect(chain).toMatch(/^[0-9a-f]{16}$/);
  else expect(['object', 'undefined']).toContain(typeof compared);
  if (chain !== null) expect(compared).toBeUndefined();
  expect(typeof ts).toBe(typeof cursor);
  if (cursor !== undefined) {
    expect(cursor).toMatch(/^[0-9a-f]+$/);
    expect(BigInt(ts as string)).toBeLessThanOrEqual(BigInt(position));
  }
  for (const ts of held as string[]) expect(ts).toMatch(/^\d{19}$/);
}
