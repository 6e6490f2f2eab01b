/** No token of AWS is as long, in characters of base64. */
const MAX_TOKEN = 16_384;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The user, and a password that can be sent. */
const LOGIN = /^AWS:(?<password>[\x20-\x7e]+)$/;

/** The password that an authorization token stands for; undefined when it is no token of Amazon ECR. */
export function passwordOf(token: unknown): string | undefined {
  if (typeof token !== 'string' || token.length > MAX_TOKEN || !BASE64.test(token))
    return undefined;
  return LOGIN.exec(Buffer.from(token, 'base64').toString())?.groups?.['password'];
}
