import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf } from '../support/messages.ts';
import { until } from '../support/until.ts';
import { append, catalogOf, countsOf, dedup, Destination, IMPORT, record, state, statesIn, text } from './setup.ts';

const MAIN = join(import.meta.dirname, '../../destination-convex/main.ts');

describe('lines', () => {
  test('with explicit nulls and unknown keys everywhere', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [append('t')] }, [
      '{"type":"RECORD","log":null,"record":{"namespace":null,"stream":"t","data":{"n":1},"emitted_at":1767225600,"meta":null,"file_reference":null},"state":null}',
      '{"record":{"emitted_at":1767225600000,"data":{"n":2},"future":{"a":[1]},"stream":"t"},"type":"RECORD","trace":null}',
      '{ "type" : "RECORD" , "record" : { "stream" : "t" , "data" : { "n" : 3 } , "emitted_at" : 1.5e12 } }  ',
      '{"type":"RECORD","record":{"stream":"t","data":{"n":4},"meta":{"changes":[{"field":"x","change":"NULLED"}]}}}\r',
      '{"type":"RECORD","record":{"stream":"t","data":{"n":5},"emitted_at":5,"namespace":""}}',
      '{"type":"\\u0052ECORD","record":{"str\\u0065am":"\\u0074","data":{"n":6}}}',
    ]);
    expect(finished.code, finished.lines.join('\n')).toBe(0);
    expect(destination.rows('t').map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('with other messages are skipped; lines that are not messages are skipped and counted', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [append('t')] }, [
      '{"type":"LOG","log":{"level":"INFO","message":"{\\"type\\":\\"RECORD\\"}"}}',
      '',
      '   ',
      'plain text of some library: {"a":1}',
      '{"not":"a message"}',
      '[]',
      '{broken',
      '{"type":"SPEC","spec":{}}',
      '{"type":"CONTROL","control":{"type":"CONNECTOR_CONFIG"}}',
      '{"type":"TRACE","trace":{"type":"ANALYTICS","analytics":{"type":"x"}}}',
      '{"type":"TRACE","trace":null}',
      '{"type":"FUTURE","future":{}}',
      '\u0000\u0001',
      record('t', { n: 1 }),
    ]);
    expect(finished.code).toBe(0);
    expect(destination.rows('t')).toEqual([{ n: 1 }]);
    const warnings = logsOf(finished.lines).filter((line) => line.startsWith('WARN'));
    expect(warnings).toEqual([
      'WARN The source wrote a line that is not a message. It was skipped.',
      'WARN 4 lines that are not messages were skipped.',
    ]);
  });

  test.each([
    [
      'half a RECORD',
      '{"type":"RECORD","record":{"stream":"t","data":{"n":2',
      'a RECORD message that is not valid JSON',
    ],
    ['a RECORD with a log line in its middle', '{"type": "RECORD","reco2026-01-01 INFO x', 'a RECORD message'],
    [
      'a RECORD behind a log line',
      'INFO reading {"type":"RECORD","record":{"stream":"t","data":{}}}',
      'a RECORD message',
    ],
    ['two RECORDs in one line', `${record('t', { n: 2 })}${record('t', { n: 3 })}`, 'a RECORD message'],
    ['a RECORD with too many brackets', `${record('t', { n: 2 })}}`, 'a RECORD message'],
    ['a RECORD without a record', '{"type":"RECORD"}', 'a RECORD message without a record'],
    ['a RECORD without a stream', '{"type":"RECORD","record":{"data":{}}}', 'names no stream'],
    ['a RECORD without data', '{"type":"RECORD","record":{"stream":"t","data":null}}', 'data is no object'],
    ['a RECORD whose data is a list', '{"type":"RECORD","record":{"stream":"t","data":[1]}}', 'data is no object'],
  ])('that must not be lost are no noise: %s', async (_, line, message) => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [append('t')] }, [
      record('t', { n: 1 }),
      state('t', 1),
      line,
      state('t', 2),
    ]);
    expect(finished.code).toBe(1);
    expect(errorsOf(finished.lines)).toMatchObject([{ failure_type: 'system_error' }]);
    expect(errorsOf(finished.lines)[0]!.message).toContain(message);
    // The records before are written, and their STATEs echoed.
    expect(destination.rows('t')).toEqual([{ n: 1 }]);
    expect(countsOf(finished.lines)).toEqual(['1']);
  });

  test('for a stream that is not in the catalog end the run', async () => {
    await using destination = await Destination.start();
    const streams = [append('t', { namespace: 'a' }), append('t', { namespace: 'b' })];
    const finished = await destination.write({ streams }, [
      record('t', { n: 1 }, 'a'),
      state('t', 1, 'a'),
      record('t', { n: 2 }, 'c'),
    ]);
    expect(finished.code).toBe(1);
    expect(errorsOf(finished.lines)[0]).toMatchObject({
      failure_type: 'system_error',
      message:
        'The source sent a record for the stream "c.t", which is not in the catalog. Streams of this name there: a.t, b.t.',
    });
    expect(destination.rows('a_t')).toEqual([{ n: 1 }]);
    expect(statesIn(finished.lines)).toHaveLength(1);
  });

  test('of equal names in two namespaces do not mix; a unique name needs no namespace', async () => {
    await using destination = await Destination.start();
    const streams = [append('t', { namespace: 'a' }), append('t', { namespace: 'b' }), append('u', { namespace: 'a' })];
    const lines = [record('t', { n: 1 }, 'a'), record('t', { n: 2 }, 'b'), record('u', { n: 3 }, null)];
    expect((await destination.write({ streams }, lines)).code).toBe(0);
    expect(destination.rows('a_t')).toEqual([{ n: 1 }]);
    expect(destination.rows('b_t')).toEqual([{ n: 2 }]);
    expect(destination.rows('a_u')).toEqual([{ n: 3 }]);
  });

  test('D9: of a name that two streams have, and without a namespace, end the run: the message names the streams', async () => {
    await using destination = await Destination.start();
    const streams = [append('t', { namespace: 'a' }), append('u'), append('t', { namespace: 'b' })];
    const finished = await destination.write({ streams }, [record('t', { n: 4 }, null)]);
    expect(errorsOf(finished.lines)).toMatchObject([
      {
        failure_type: 'system_error',
        message:
          'The source sent a record for the stream "t" without a namespace. Streams of this name in the catalog: a.t, b.t. It cannot be told to which of them the record belongs. Deselect all but one, or have the source send namespaces.',
      },
    ]);
  });

  test('may be cut anywhere by the pipe, in the middle of a character too', async () => {
    await using destination = await Destination.start();
    const running = destination.start({ streams: [dedup('t', ['id'])] });
    const documents = Array.from({ length: 40 }, (_, id) => ({ id, text: '😀é€"\\\n'.repeat(id % 7) }));
    const bytes = Buffer.from(text([...documents.map((document) => record('t', document)), state('t', 1)]));
    for (let at = 0; at < bytes.length; at += 37) {
      await new Promise((resolve) => running.child.stdin.write(bytes.subarray(at, at + 37), resolve));
    }
    running.child.stdin.end();
    expect((await running.finished).code).toBe(0);
    expect(destination.rows('t')).toEqual(documents);
    expect(countsOf(running.lines)).toEqual(['40']);
  });

  test('the last line may have no newline', async () => {
    await using destination = await Destination.start();
    const whole = await destination.start({ streams: [append('t')] }, { input: record('t', { n: 1 }) }).finished;
    expect(whole.code).toBe(0);
    const half = await destination.start(
      { streams: [append('t')] },
      { input: `${record('t', { n: 2 })}\n{"type":"REC` },
    ).finished;
    expect(half.code).toBe(1);
    expect(errorsOf(half.lines)[0]!.message).toContain('a last message that breaks off');
    expect(destination.rows('t')).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test('of records without any field are documents without any field', async () => {
    await using destination = await Destination.start();
    await destination.write({ streams: [append('t')] }, [record('t', '{}'), record('t', '{ }')]);
    expect(destination.rows('t')).toEqual([{}, {}]);
  });
});

test('no input at all is fine', async () => {
  await using destination = await Destination.start();
  const finished = await destination.write({ streams: [append('t')] }, []);
  expect(finished.code).toBe(0);
  expect(destination.emulator.journal.entries).toEqual([]);
});

test('input may come from a file instead of a pipe', async () => {
  await using destination = await Destination.start();
  const { folder } = destination;
  const input = openSync(folder.write('input.jsonl', text([record('t', { n: 1 }), state('t', 1)])), 'r');
  const files = [
    ...['--config', folder.write('c.json', destination.config())],
    ...['--catalog', folder.write('s.json', catalogOf([append('t')]))],
  ];
  const child = spawn(process.execPath, [MAIN, 'write', ...files], { stdio: [input, 'ignore', 'inherit'] });
  const code = await new Promise((resolve) => child.on('close', resolve));
  closeSync(input);
  expect(code).toBe(0);
  expect(destination.rows('t')).toEqual([{ n: 1 }]);
});

test('a failure ends the run although stdin stays open', async () => {
  await using destination = await Destination.start();
  const running = destination.start({
    streams: [append('t')],
    env: { CONVEX_CONNECTOR_BATCH_AGE_MS: '1' },
    config: { access_key: destination.emulator.readOnlyKey },
  });
  running.child.stdin.write(text([record('t', { n: 1 }), state('t', 1)]));
  const { code, lines } = await running.finished;
  expect(code).toBe(1);
  expect(errorsOf(lines)).toMatchObject([{ failure_type: 'config_error' }]);
  expect(errorsOf(lines)[0]!.message).toContain('deployment:backups:import');
  expect(statesIn(lines)).toEqual([]);
});

test('a reader that closes stdout ends the run without an error', async () => {
  await using destination = await Destination.start();
  const running = destination.start({ streams: [append('t')] }, { paused: true });
  running.child.stdout.destroy();
  const states = Array.from({ length: 100 }, (_, n) => state('t', n));
  running.child.stdin.write(text(states));
  const { code, stderr } = await running.finished;
  expect(code).toBe(0);
  expect(stderr).toBe('');
});

test('a source that goes away in the middle of a line', async () => {
  await using destination = await Destination.start();
  const running = destination.start({ streams: [append('t')], env: { CONVEX_CONNECTOR_BATCH_AGE_MS: '1' } });
  running.child.stdin.write(text([record('t', { n: 1 }), state('t', 1)]) + record('t', { n: 2 }).slice(0, 50));
  await until('the first record', () => destination.emulator.journal.count(IMPORT) === 1);
  running.child.stdin.destroy();
  const { code, lines } = await running.finished;
  expect(code).toBe(1);
  expect(errorsOf(lines)[0]!.message).toContain('a RECORD message that breaks off');
  expect(countsOf(lines)).toEqual(['1']);
});
