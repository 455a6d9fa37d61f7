// The background process that holds the servers: they end when it does. Started by up.ts, which reads its
// lines; it goes on without a reader.
import { startServices } from '../start-services.ts';
import { claimState, removeState } from './state.ts';

// The reader leaves after the start.
process.stdout.on('error', () => {});
const tell = (kind: 'step' | 'ready' | 'failed', text: string) => {
  process.stdout.write(`${JSON.stringify({ kind, text })}\n`);
};

try {
  const services = await startServices({ report: (message) => tell('step', message) });
  const end = async () => {
    removeState();
    await services.stop();
    process.exit(0);
  };
  const { mongoUrl, redisUrl } = services;
  if (claimState({ pid: process.pid, mongoUrl, redisUrl })) {
    process.once('SIGTERM', end);
    process.once('SIGINT', end);
    // Keeps the process alive; the servers' handles do not.
    setInterval(() => {}, 2 ** 30);
  } else {
    // Another `up` was quicker: its servers are the ones.
    await services.stop();
  }
  tell('ready', '');
} catch (error) {
  tell('failed', error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
