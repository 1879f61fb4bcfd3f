import { CommandLineError, parseCommandLine, USAGE } from './command-line.ts';
import { startEmulator } from './index.ts';
import { addItems, addSampleData } from './sample-data.ts';
import { suggestions } from './suggestions.ts';

async function main(): Promise<void> {
  const command = parseCommandLine(process.argv.slice(2));
  if (command === 'help') {
    console.log(USAGE);
    return;
  }
  const emulator = await startEmulator(command.options);
  if (command.data === 'sample') addSampleData(emulator.deployment);
  if (command.documents > 0) addItems(emulator.deployment, command.documents);
  for (const fault of command.faults) emulator.faults.add(fault);
  console.log(`A Convex deployment is emulated, in memory, until you press Ctrl-C.

  URL               ${emulator.url}
  deploy key        ${emulator.key}
  read-only key     ${emulator.readOnlyKey}
  import-only key   ${emulator.importOnlyKey}

Its tables:
${emulator.deployment
  .tables()
  .map(
    ({ component, table, documents }) => `  ${component === '' ? '' : `${component}/`}${table}: ${documents} documents`,
  )
  .join('\n')}

Try:
${suggestions(emulator, command.options.streamingExport ?? true)
  .map((text) => `  ${text}`)
  .join('\n')}
`);
  const stop = () => {
    void emulator.close();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

try {
  await main();
} catch (error) {
  if (error instanceof CommandLineError) {
    console.error(`${error.message}\nSee npm run emulator -- --help`);
    process.exitCode = 2;
  } else if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    console.error(`The port ${'port' in error ? String(error.port) : ''} is taken.`);
    process.exitCode = 1;
  } else {
    throw error;
  }
}
