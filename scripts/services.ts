// Development servers in the background: npm run services -- up | down | env
import { servicesDown } from '../tools/services/background/down.ts';
import { runningServices } from '../tools/services/background/state.ts';
import { servicesUp } from '../tools/services/background/up.ts';
import { terminalReport } from '../tools/services/terminal-report.ts';
import { runScript, UsageError } from './cli.ts';

const usage = `
npm run services -- up      start MongoDB and Redis in the background, or say that they run
npm run services -- down    stop them; their data goes
npm run --silent services -- env
                            print MONGODB_URL=… and REDIS_URL=… of the running ones, and nothing else

MongoDB and Redis are the ones of MONGODB_URL and REDIS_URL where these are set, else binaries on this machine,
else a download of mongod, else Debian's packages (as root; about a minute, once).
State and log are in .services/. For a shell: export $(npm run --silent services -- env)
`;

await runScript({
  name: 'services',
  usage,
  options: {},
  maxPositionals: 1,
  run: async (_values, [verb]) => {
    switch (verb) {
      case 'up':
        return up();
      case 'down':
        console.log((await servicesDown()) ? 'Stopped.' : 'Nothing was running.');
        return 0;
      case 'env':
        return printEnvironment();
    }
    throw new UsageError(
      `expected up, down or env, got ${verb === undefined ? 'nothing' : `'${verb}'`}; see --help`,
    );
  },
});

async function up(): Promise<number> {
  const running = runningServices();
  if (running) {
    console.log(`Running already: MONGODB_URL=${running.mongoUrl} REDIS_URL=${running.redisUrl}`);
    return 0;
  }
  const terminal = terminalReport(process.stderr);
  try {
    const { mongoUrl, redisUrl } = await servicesUp(terminal.report);
    terminal.done();
    console.log(`MONGODB_URL=${mongoUrl}\nREDIS_URL=${redisUrl}`);
    return 0;
  } finally {
    terminal.done();
  }
}

async function printEnvironment(): Promise<number> {
  const running = runningServices();
  if (!running) {
    console.error('services: nothing is running; start it with: npm run services -- up');
    return 1;
  }
  console.log(`MONGODB_URL=${running.mongoUrl}\nREDIS_URL=${running.redisUrl}`);
  return 0;
}
