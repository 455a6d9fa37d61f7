import type { IncomingMessage } from 'node:http';
import swagger from '@fastify/swagger';
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify';
import { jsonSchemaTransform, serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import { type Logger, withoutToken } from '../runtime/logger.ts';
import { answerClientError, answerExpectation, noteRequest } from './client-error.ts';
import { handleError, notFound } from './error-handler.ts';
import { ApiError } from './errors.ts';
import { inflateBody, MAX_BODY_BYTES, MAX_INFLATED_BYTES } from './gunzip.ts';
import { describeAnswers } from './openapi.ts';

export type HttpApp = FastifyInstance;

// Ids of 10 kB must meet our own check and a typed answer, not the router's 414.
const MAX_PARAM_CHARACTERS = 16 * 1024;
const REQUEST_TIMEOUT_MS = 60_000;

/** The HTTP server without routes: limits, validation by zod, the contract's errors, the API's description. */
export async function createHttpApp(logger: Logger): Promise<HttpApp> {
  // Clients that only offer another protocol (`Upgrade: h2c`) get their answer over this one. Node 22 has no
  // such question: there they get the relay's 404.
  const isUpgrade = ({ method, headers }: IncomingMessage): boolean =>
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    app.server.listenerCount('upgrade') > 0;
  const app: HttpApp = fastify({
    http: { shouldUpgradeCallback: isUpgrade },
    loggerInstance: logger as FastifyBaseLogger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_INFLATED_BYTES,
    // An unknown field is dropped, whatever its name: one odd key must not refuse a whole batch.
    onProtoPoisoning: 'remove',
    onConstructorPoisoning: 'remove',
    requestTimeout: REQUEST_TIMEOUT_MS,
    routerOptions: { maxParamLength: MAX_PARAM_CHARACTERS },
    // Sockets that idle must not hold up a stop.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    // A URL that cannot be decoded never reaches the error handler by itself.
    frameworkErrors: handleError,
    clientErrorHandler: answerClientError,
  });
  app.server.on('checkExpectation', answerExpectation);
  app.server.on('request', noteRequest);
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.setErrorHandler(handleError);
  app.setNotFoundHandler(notFound);
  app.addHook('preParsing', inflateBody);
  app.addHook('onRequest', async (request, reply) => {
    const declared = Number(request.headers['content-length'] ?? 0);
    reply.headers(SECURITY_HEADERS);
    // After an upgrade that was not taken, Node leaves a later parser error of the connection unanswered.
    if (request.headers.upgrade !== undefined) reply.header('Connection', 'close');
    if (declared > MAX_BODY_BYTES) tooLarge();
  });
  let closing = false;
  app.addHook('preClose', async () => {
    closing = true;
  });
  app.addHook('onSend', async (_request, reply) => {
    // A connection that is kept alive after this answer would hold the stop up for its idle time.
    if (closing) reply.header('Connection', 'close');
  });
  app.addHook('onResponse', async (request, reply) => {
    request.log.debug(
      {
        method: request.method,
        url: withoutToken(request.url),
        status: reply.statusCode,
        duration_ms: Math.round(reply.elapsedTime),
      },
      'request',
    );
  });
  await app.register(swagger, {
    openapi: {
      info: {
        title: 'Stock Verify engine',
        description: 'Offline stock counts, their conflicts, locks and analytics.',
        version: '1',
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      security: [{ bearer: [] }],
    },
    transform: jsonSchemaTransform,
    transformObject: describeAnswers,
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  return app;
}

const SECURITY_HEADERS = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
};

const tooLarge = (): never => {
  throw new ApiError('batch_too_large');
};
