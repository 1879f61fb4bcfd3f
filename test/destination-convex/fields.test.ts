import { describe, expect, test } from 'vitest';
import { errorsOf, logsOf } from '../support/messages.ts';
import { until } from '../support/until.ts';
import { IMPORT, T1, T2, append, countsOf, dedup, Destination, record, state, statesIn, text } from './setup.ts';

const SKIP = { on_rejected_record: 'Skip and report' };
const SECRET = 'content-that-nobody-may-see';

const warningsOf = (lines: readonly string[]) => logsOf(lines).filter((line) => line.startsWith('WARN'));

describe('D2: two fields that Convex would store under one name', () => {
  const padding = 'x'.repeat(300_000);
  test.each([
    ['that begin with _ and $', `{"_Status":"${SECRET}","$status":2}`, '"_Status" and "$status"'],
    ['that are spelled alike', '{"größe":1,"grösse":2}', '"größe" and "grösse"'],
    ['that are spelled as another is renamed', '{"größe":1,"_groesse":3,"$grosse":2}', '"größe" and "$grosse"'],
    ['that take the prefix twice', '{"_x":1,"source_x":2,"_source_x":3}', '"_x" and "_source_x"'],
    ['inside of an object', '{"a":{"b":{"_c":1,"$C":2}}}', 'two fields inside its field "a"'],
    ['inside of a list', '{"a":[1,{"_c":1},[{"_c":1, "$C" :2}]]}', 'two fields inside its field "a"'],
    ['one of which has an escape', '{"\\u005fc":1,"$c":2}', '"_c" and "$c"'],
    ['far from one another', `{"_c":1,"text":"${padding}","$c":2}`, '"_c" and "$c"'],
    ['that mark a deletion', '{"_ab_cdc_deleted_at":null,"__ab_cdc_deleted_at":1}', '"__ab_cdc_deleted_at"'],
  ])('are refused: %s', async (_, data, names) => {
    await using destination = await Destination.start();
    const bad = data.replace('{', '{"id":"bad",');
    const lines = ['{"id":1,"_one":1}', bad, '{"id":2,"$two":2}', bad].map((text) => record('t', text));
    for (const stream of [append('t'), dedup('t', ['id'])]) {
      const finished = await destination.write({ streams: [stream], config: SKIP }, [...lines, state('t', 1)]);
      expect(countsOf(finished.lines), finished.lines.join('\n').slice(0, 3000)).toEqual(['2/2']);
      const log = logsOf(finished.lines).join('\n');
      expect(log).toContain(names);
      expect(log).toContain('would be stored under one name');
      expect(log).not.toContain(SECRET);
      expect(destination.rows('t').map(({ id }) => id)).toEqual([1, 2]);
      destination.emulator.deployment.clearTable('t');
    }
  });

  test('fail the sync by default', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [append('t')] }, [
      record('t', '{"n":1}'),
      record('t', '{"_a":1,"$a":2}'),
      state('t', 1),
    ]);
    expect(finished.code).toBe(1);
    expect(errorsOf(finished.lines)[0]).toMatchObject({ failure_type: 'config_error' });
    expect(errorsOf(finished.lines)[0]!.message).toContain('its fields "_a" and "$a" would be stored under one name');
    expect(destination.rows('t')).toEqual([{ n: 1 }]);
  });

  test('are not those of different objects, nor one field that is written twice', async () => {
    await using destination = await Destination.start();
    const data = [
      '{"_a":1,"inner":{"$a":2},"list":[{"_a":1},{"$A":1},{"_a":1}]}',
      '{"_b":1,"source_b":2,"c":"_b","d":["$b"]}',
      '{"_e":1,"_e":2,"größe":1,"länge":2,"gr\\u00f6ße":3}',
      '{"_ab_cdc_lsn":1,"$ab_cdc_lsn":2}',
    ];
    const finished = await destination.write({ streams: [append('t')] }, [
      ...data.map((text) => record('t', text)),
      state('t', 1),
    ]);
    expect(countsOf(finished.lines), finished.lines.join('\n')).toEqual(['4']);
    expect(destination.rows('t')).toEqual([
      { source_a: 1, inner: { source_a: 2 }, list: [{ source_a: 1 }, { source_a: 1 }, { source_a: 1 }] },
      { source_source_b: 1, source_b: 2, c: '_b', d: ['$b'] },
      { source_e: 2, source_grosse: 3, source_lange: 2 },
      {},
    ]);
  });

  test('the question how a name is spelled fails for good: no state comes back, and the next run writes the record', async () => {
    await using destination = await Destination.start();
    const running = destination.start({ streams: [append('t')], env: { CONVEX_CONNECTOR_BATCH_AGE_MS: '1' } });
    running.child.stdin.write(text([record('t', '{"n":1}'), state('t', 1)]));
    await until('the first record is written', () => destination.rows('t').length === 1);
    const remove = destination.emulator.faults.add({ kind: 'status', path: IMPORT, status: 403, code: 'Forbidden' });
    const rest = [record('t', '{"größe":1,"länge":2}'), state('t', 2)];
    running.child.stdin.end(text(rest));
    const { code, lines } = await running.finished;
    expect(code).toBe(1);
    expect(statesIn(lines).filter((line) => line.includes('"cursor":2'))).toEqual([]);
    remove();
    expect(countsOf((await destination.write({ streams: [append('t')] }, rest)).lines)).toEqual(['1']);
    expect(destination.rows('t')).toEqual([{ n: 1 }, { source_grosse: 1, source_lange: 2 }]);
  });

  test('killed while it asks how a name is spelled: no state comes back', async () => {
    await using destination = await Destination.start();
    const running = destination.start({ streams: [append('t')], env: { CONVEX_CONNECTOR_BATCH_AGE_MS: '1' } });
    running.child.stdin.write(text([record('t', '{"n":1}')]));
    await until('the first record is written', () => destination.rows('t').length === 1);
    destination.emulator.faults.add({ kind: 'hang', path: IMPORT });
    const before = destination.requests().length;
    running.child.stdin.write(text([record('t', '{"größe":1,"länge":2}'), state('t', 2)]));
    await until('the deployment is asked', () => destination.requests().length > before);
    running.kill();
    expect(statesIn((await running.finished).lines)).toEqual([]);
    expect(destination.rows('t')).toEqual([{ n: 1 }]);
  });

  test('the deployment is asked once for each part of a name, and only where several fields are renamed', async () => {
    await using destination = await Destination.start();
    const asked = () => destination.requests().filter((line) => line.endsWith('import_airbyte_records 400')).length;
    await destination.write({ streams: [append('t')] }, [record('t', '{"größe":1}'), record('t', '{"größe":2}')]);
    expect(asked()).toBe(0);
    const lines = Array.from({ length: 50 }, (_, n) => record('t', `{"größe":${n},"länge":1,"süß":2}`));
    await destination.write({ streams: [append('t')] }, lines);
    // öß, ä, üß
    expect(asked()).toBe(3);
  });
});

describe('Numbers that Convex rounds', () => {
  test('are counted by stream and field, and told of once, without their values', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [dedup('t', ['id']), append('u')] }, [
      record(
        't',
        `{"id":1,"at":${T1},"n":9007199254740993,"inner":{"a@b.c":[1.5,12345678901234567.25],"c@d.e":${T2}}}`,
      ),
      record('t', `{"id":2,"at":${T1},"n":9007199254740992,"text":"9007199254740993","half":0.30000000000000004}`),
      record('t', `{"id":3,"at": ${T1},"_ab_cdc_lsn":${T1},"big":1e23,"even":36028797018963968}`),
      record('u', '{"n":1}'),
      state('t', 1),
    ]);
    expect(finished.code).toBe(0);
    expect(warningsOf(finished.lines)).toEqual([
      expect.stringContaining('rounded numbers of stream "t": "at" (3), inside "inner" (2), "n" (1). '),
    ]);
    expect(finished.lines.join('\n')).not.toContain('9007199254740993');
    // Names of nested fields may be content as well.
    expect(finished.lines.join('\n')).not.toContain('@');
  });
});

describe('The timestamps of documents that come from Convex', () => {
  const COLUMNS = ['_id', '_ts', '_deleted', '_ab_cdc_lsn'];
  const schemaOf = (columns: readonly string[]) => ({
    properties: Object.fromEntries(columns.map((name) => [name, {}])),
  });
  const infosOf = (lines: readonly string[]) =>
    logsOf(lines).filter((line) => line.startsWith('INFO') && line.includes('rounded'));

  test('are no warning: one INFO tells of them for all streams, and other numbers are one', async () => {
    await using destination = await Destination.start();
    const schema = schemaOf([...COLUMNS, 'n']);
    const data = (id: number) => `{"_ts":${T1},"_id":"a${id}","n":${id},"_deleted":false,"_ab_cdc_lsn":${T1}}`;
    const finished = await destination.write(
      { streams: [dedup('t', ['_id'], { schema }), append('u', { schema }), append('v', { schema })] },
      [record('t', data(1)), record('t', data(2)), record('u', data(3)), record('u', `{"_ts":${T1},"n":${T2}}`)],
    );
    expect(finished.code).toBe(0);
    expect(warningsOf(finished.lines)).toEqual([
      expect.stringContaining('Convex rounded numbers of stream "u": "n" (1). '),
    ]);
    expect(infosOf(finished.lines)).toEqual([
      expect.stringContaining('Convex rounded the commit timestamps "_ts" of 2 streams'),
    ]);
  });

  test.each(COLUMNS)('are a warning where the schema does not list %s', async (missing) => {
    await using destination = await Destination.start();
    const schema = schemaOf(COLUMNS.filter((name) => name !== missing));
    const finished = await destination.write({ streams: [append('t', { schema })] }, [record('t', `{"_ts":${T1}}`)]);
    expect(warningsOf(finished.lines)).toEqual([expect.stringContaining('of stream "t": "_ts" (1). ')]);
    expect(infosOf(finished.lines)).toEqual([]);
  });
});

describe('Fields that Convex drops', () => {
  test('D9: fields of the user are told of once a stream', async () => {
    await using destination = await Destination.start();
    const finished = await destination.write({ streams: [append('t')] }, [
      record('t', '{"id":1,"source_ab_cdc_note":1,"_ab_cdc_lsn":5,"source_account":1,"in":{"source_ab_cdc_in":1}}'),
      record('t', '{"id":2,"source_ab_cdc_note":2,"$ab_cdc":1}'),
    ]);
    expect(warningsOf(finished.lines)).toEqual([
      expect.stringContaining('"t" has fields that are not stored: "source_ab_cdc_note", "$ab_cdc". '),
    ]);
  });
});
