import { once } from 'node:events';
import { expect, test } from 'vitest';
import { Connector } from '../../pipeline/connector.ts';

test('who has ended reads nothing, also while its output is still open', async () => {
  // The shell ends at once; what it leaves behind keeps its stdout open.
  const connector = new Connector('destination', ['sh', '-c', 'sleep 5 & echo $!'], [], () => undefined);
  const { child } = connector;
  const [output] = (await once(child.stdout, 'data')) as [Buffer];
  if (!child.stdin.closed) await once(child.stdin, 'close');
  await connector.write(Buffer.alloc(1 << 20));
  expect(connector.deaf).toBe(true);
  process.kill(Number(output.toString()));
  expect(await connector.exit).toMatchObject({ code: 0 });
});
