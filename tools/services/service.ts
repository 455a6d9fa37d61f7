export type MongoSource = 'MONGODB_URL' | 'mongod binary' | 'mongod download' | 'DocumentDB';
export type RedisSource = 'REDIS_URL' | 'redis-server binary' | 'Debian package';

/** A server that can be ended as a crash would and started again, at the same address with the same data. */
export interface CrashableServer {
  pid(): number | undefined;
  /** SIGKILL. Resolves when the process is gone. */
  kill(): Promise<void>;
  restart(): Promise<void>;
}

/** One server that was found or started. */
export interface Service<Source extends string> {
  readonly source: Source;
  readonly url: string;
  /** Where the server came from, for people. */
  readonly description: string;
  /** Only where this process started the server and can start it again. */
  readonly server?: CrashableServer;
  /** Ends what was started; nothing for a server that was running before. May be called twice. */
  stop(): Promise<void>;
}

export interface FindOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly report: (message: string) => void;
  readonly signal?: AbortSignal | undefined;
}
