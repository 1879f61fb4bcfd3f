import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineTooLong, MAX_LINE_BYTES, lineBatches } from '../../../shared/airbyte/lines.ts';
import { cut } from '../../support/json.ts';

async function* each(chunks: readonly Buffer[], seen?: () => void): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    // The chunk is the reader's until it asks for the next one: then its buffer is used again.
    const lent = Buffer.from(chunk);
    yield lent;
    seen?.();
    lent.fill('\n');
  }
}

async function linesOf(chunks: readonly Buffer[]): Promise<{ text: string; terminated: boolean }[]> {
  const found: { text: string; terminated: boolean }[] = [];
  for await (const batch of lineBatches(each(chunks)))
    for (const { buffer, start, end, terminated } of batch)
      found.push({ text: buffer.toString('latin1', start, end), terminated });
  return found;
}

const content = fc
  .array(fc.constantFrom('\n', '\n\n', '\r\n', 'a', '{"x":1}', 'é', '😀', 'x'.repeat(300)), { maxLength: 30 })
  .map((parts) => Buffer.from(parts.join('')));

test('whatever the chunks, the lines are those of the whole', async () => {
  await fc.assert(
    fc.asyncProperty(content, fc.array(fc.nat(), { maxLength: 15 }), async (bytes, places) => {
      const pieces = bytes.toString('latin1').split('\n');
      const last = pieces.pop()!;
      const expected = pieces.map((text) => ({ text, terminated: true }));
      if (last !== '') expected.push({ text: last, terminated: false });
      expect(await linesOf(cut(bytes, places))).toEqual(expected);
    }),
    { numRuns: 1000 },
  );
});

test('no chunk is asked for before the lines of the one before have been taken', async () => {
  let asked = 0;
  const batches = lineBatches(each([Buffer.from('a\nb\n'), Buffer.from('c\n')], () => asked++));
  const first = (await batches.next()) as IteratorYieldResult<Iterable<unknown>>;
  expect([...first.value]).toHaveLength(2);
  expect(asked).toBe(0);
  await batches.next();
  expect(asked).toBe(1);
});

test('a line that never ends ends the reading, before it fills the memory', async () => {
  const chunk = Buffer.alloc(1 << 20, 'x');
  const chunks = Array.from({ length: 70 }, () => chunk);
  await expect(linesOf(chunks)).rejects.toThrow(LineTooLong);
  const whole = chunks.slice(0, MAX_LINE_BYTES / chunk.length);
  expect(await linesOf([...whole, Buffer.from('\n')])).toHaveLength(1);
});
