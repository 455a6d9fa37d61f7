/** Anything that lives as long as the process: started in order, stopped in reverse. */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  /** Resolves when no work of this service is left running. Safe to call twice, or before `start`. */
  stop(): Promise<void>;
}

/** Starts the services one after the other; when one fails, those already started are stopped again. */
export async function startAll(services: readonly Service[]): Promise<void> {
  for (const [index, service] of services.entries()) {
    try {
      await service.start();
    } catch (error) {
      await stopAll(services.slice(0, index + 1), () => {});
      throw error;
    }
  }
}

/** Stops in reverse order. A service that fails to stop does not keep the others from stopping. */
export async function stopAll(
  services: readonly Service[],
  onError: (service: string, error: unknown) => void,
): Promise<void> {
  for (const service of services.toReversed()) {
    try {
      await service.stop();
    } catch (error) {
      onError(service.name, error);
    }
  }
}
