/** Calls `listener` on SIGINT and SIGTERM instead of ending the process. Returns how to stop that. */
export function onEndSignals(listener: (signal: NodeJS.Signals) => void): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, listener);
  return () => {
    for (const signal of signals) process.off(signal, listener);
  };
}
