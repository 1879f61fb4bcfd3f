/** The command line of the Airbyte protocol: a verb and the paths of its files. */
import { parseArgs } from 'node:util';

export type Command =
  | { verb: 'spec' }
  | { verb: 'check' | 'discover'; config: string }
  | { verb: 'read'; config: string; catalog: string; state: string | undefined }
  | { verb: 'write'; config: string; catalog: string };

export type Verb = Command['verb'];

/** The command line is not valid. `message` says why; `usage` says what is valid. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const FILES: Record<Verb, { required: readonly string[]; optional: readonly string[] }> = {
  spec: { required: [], optional: [] },
  check: { required: ['config'], optional: [] },
  discover: { required: ['config'], optional: [] },
  read: { required: ['config', 'catalog'], optional: ['state'] },
  write: { required: ['config', 'catalog'], optional: [] },
};

const OPTIONS = { config: { type: 'string' }, catalog: { type: 'string' }, state: { type: 'string' } } as const;

/** `args`: without the executable. Throws `UsageError`. */
export function parseCommandLine(args: readonly string[], verbs: readonly Verb[]): Command {
  const parsed = parse(args);
  const [verb, ...rest] = parsed.positionals;
  if (verb === undefined) throw new UsageError('no command was given');
  if (!verbs.some((known) => known === verb))
    throw new UsageError(isWord(verb) ? `there is no command "${verb}"` : 'there is no such command');
  const [more] = rest;
  if (more !== undefined) throw new UsageError(`unexpected argument${isWord(more) ? ` "${more}"` : ''}`);
  const { required, optional } = FILES[verb as Verb];
  for (const name of required) {
    if (!parsed.values[name as keyof typeof OPTIONS]) throw new UsageError(`${verb} needs --${name} FILE`);
  }
  for (const name of Object.keys(parsed.values)) {
    if (!required.includes(name) && !optional.includes(name)) throw new UsageError(`${verb} takes no --${name}`);
  }
  return { verb, config: '', catalog: '', state: undefined, ...parsed.values } as Command;
}

/** Whether an argument may be quoted in a message. Anything else could be a key in the wrong place. */
function isWord(text: string): boolean {
  return /^[a-z][a-z-]{0,15}$/.test(text);
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message.split('. ')[0]! : 'the arguments cannot be read');
  }
}

export function usage(name: string, verbs: readonly Verb[]): string {
  const lines = verbs.map((verb) => {
    const { required, optional } = FILES[verb];
    const files = [...required.map((file) => `--${file} FILE`), ...optional.map((file) => `[--${file} FILE]`)];
    return `  ${[name, verb, ...files].join(' ')}`;
  });
  return `usage:\n${lines.join('\n')}\n`;
}
