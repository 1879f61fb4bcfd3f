import type { AirbyteCatalog } from '../shared/airbyte/protocol.generated.ts';
import { Connector, exitFailure } from './connector.ts';
import type { Show } from './connector.ts';
import { blocks, lines } from './lines.ts';
import { describe, failureOf, parse } from './messages.ts';
import { onEndSignals } from './signals.ts';

/** One question to a connector, such as `discover`: a process that answers with one message and ends. */
interface Question {
  name: 'source' | 'destination';
  command: readonly string[];
  config: string;
  show: Show;
}

/** The catalog of a source. @throws Error with what the source says is wrong */
export async function discover(question: Question): Promise<AirbyteCatalog> {
  return ask(question, 'discover', (message) => (message.type === 'CATALOG' ? message.catalog : undefined));
}

/** Makes sure that the configuration works. @throws Error with what the connector says is wrong */
export async function check(question: Question): Promise<void> {
  const { status, message } = await ask(question, 'check', (answer) =>
    answer.type === 'CONNECTION_STATUS' ? answer.connectionStatus : undefined,
  );
  if (status !== 'SUCCEEDED')
    throw new Error(`The ${question.name} cannot be used: ${message ?? 'it does not say why'}`);
}

type Message = NonNullable<ReturnType<typeof parse>>;

async function ask<T>(question: Question, verb: string, pick: (message: Message) => T | undefined): Promise<T> {
  const { name, command, config, show } = question;
  // A signal that ends this process ends the connector first: it would go on with its retries. Listens before
  // the connector starts, so that no signal falls in between.
  const release = onEndSignals((signal) => {
    connector.child.kill('SIGKILL');
    release();
    process.kill(process.pid, signal);
  });
  const connector = new Connector(name, command, [verb, '--config', config], show);
  connector.endInput();
  void connector.exit.then(release);
  let answer: T | undefined;
  let failure: string | undefined;
  for await (const { bytes } of blocks(connector.child.stdout)) {
    for (const [start, end] of lines(bytes)) {
      const message = parse(bytes.subarray(start, end));
      if (message === undefined) continue;
      answer ??= pick(message);
      failure ??= failureOf(name, message)?.message;
      if (message.type === 'LOG' && (message.log.level === 'DEBUG' || message.log.level === 'TRACE')) continue;
      const text = describe(message);
      if (text !== undefined && message.type === 'LOG') show(name, text);
    }
  }
  const ended = exitFailure(await connector.exit);
  // An answer counts even where the process ends badly after it, as on the platform.
  if (answer !== undefined) return answer;
  throw new Error(`${verb} of the ${name} failed: ${failure ?? ended ?? 'it ended without an answer'}`);
}
