import type { ControlPlane } from './control-plane.ts';
import { Faults } from './faults.ts';
import { Repositories } from './repositories.ts';
import { type AwsRules, CallRate, NO_RULES } from './rules.ts';
import type { AwsRequest, AwsState } from './state.ts';
import { Tokens } from './tokens.ts';
import { Users } from './users.ts';

/** The state of a new stand-in, for those inside it and for those who ask it. */
export function newState(): { readonly state: AwsState; readonly plane: ControlPlane } {
  const users = new Users();
  const tokens = new Tokens();
  const faults = new Faults();
  const repositories = new Repositories();
  const log: AwsRequest[] = [];
  const rules: AwsRules = { ...NO_RULES };
  const now = () => Date.now() + state.clockOffsetMs;
  const state: AwsState = {
    ...{ log, repositories, rules, now },
    clockOffsetMs: 0,
    addUser: (options = {}) => users.add(options, now()),
    addRole: (options = {}) => users.addRole(options),
    removeUser: (user) => users.remove(user),
    fail: (fault) => faults.add(fault),
    recover() {
      faults.clear();
      Object.assign(rules, NO_RULES);
    },
    issued: (token) => tokens.find(token),
    expire: (token) => tokens.expire(token),
    refusal: (user, action, on) => users.refusal(user, action, on),
  };
  const world = { users, tokens, repositories, rules, rate: new CallRate(), now };
  return { state, plane: { world, faults, log: (request) => void log.push(request) } };
}
