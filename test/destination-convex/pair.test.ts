import { expect, test } from 'vitest';
import { startEmulator } from '../../emulator/index.ts';
import { compare } from '../../pipeline/demo/compare.ts';
import { messagesOfType } from '../support/messages.ts';
import { startConnector } from '../support/process.ts';
import { Destination, statesIn, withoutStats } from './setup.ts';

/** A small generator of numbers, the same in each run. */
function random(seed: number): (sides: number) => number {
  let at = seed;
  return (sides) => {
    at = (Math.imul(at, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((at / 2 ** 32) * sides);
  };
}

test('Convex to Convex, deduplicated by _id: equal after any inserts, updates and deletions', async () => {
  await using destination = await Destination.start();
  const source = await startEmulator({ instanceName: 'wise-heron-101', seed: 7 });
  const { deployment } = source;
  const roll = random(20_260_821);
  const ids: string[] = [];
  const change = (commits: number) => {
    for (let commit = 0; commit < commits; commit++) {
      deployment.transaction((tx) => {
        for (let n = roll(4); n >= 0; n--) {
          const id = ids[roll(ids.length)];
          switch (id === undefined ? 0 : roll(5)) {
            case 0:
            case 1:
              ids.push(tx.insert('users', { n: roll(1000), text: 'é"\\'.repeat(roll(5)) }));
              break;
            case 2:
              tx.replace(id!, { n: roll(1000), replaced: true });
              break;
            case 3:
              tx.delete(id!);
              ids.splice(ids.indexOf(id!), 1);
              break;
            default:
              // In the log, a deletion of a document that nobody has ever seen.
              tx.delete(tx.insert('users', { ghost: true }));
          }
        }
      });
    }
  };

  const folder = destination.folder;
  const config = folder.write('source.json', { deployment_url: source.url, access_key: source.readOnlyKey });

  let states: unknown[] = [];
  const sync = async () => {
    const env = {
      CONVEX_CONNECTOR_BATCH_RECORDS: '7',
      CONVEX_CONNECTOR_POLL_MS: '2',
      CONVEX_CONNECTOR_CHECKPOINT_MS: '0',
    };
    const catalog = folder.write('catalog.json', {
      streams: [
        {
          stream: {
            name: 'users',
            json_schema: { type: 'object' },
            supported_sync_modes: ['full_refresh', 'incremental'],
            source_defined_primary_key: [['_id']],
          },
          sync_mode: 'incremental',
          destination_sync_mode: 'append_dedup',
          primary_key: [['_id']],
        },
      ],
    });
    const write = startConnector(
      'destination-convex',
      ['write', '--config', folder.write('destination.json', destination.config()), '--catalog', catalog],
      { env },
    );
    const state = folder.write('state.json', `[${states.join(',')}]`);
    const read = startConnector('source-convex', ['read', '--config', config, '--catalog', catalog, '--state', state], {
      env,
      onChunk: (chunk) => write.child.stdin.write(chunk),
    });
    expect((await read.finished).code).toBe(0);
    write.child.stdin.end();
    const { code, lines } = await write.finished;
    expect(code, lines.join('\n')).toBe(0);
    expect(messagesOfType(lines, 'STATE').length).toBeGreaterThan(0);
    // As a platform saves it: digit for digit.
    const last = withoutStats(statesIn(lines).at(-1)!);
    states = [/^\{"type":"STATE","state":(.*)\}$/.exec(last)![1]];
  };

  change(30);
  for (let round = 0; round < 4; round++) {
    await sync();
    expect(compare(deployment, destination.emulator.deployment).differences, `round ${round}`).toEqual([]);
    expect(destination.rows('users').length).toBe(ids.length);
    change(25);
  }
  await source.close();
});
