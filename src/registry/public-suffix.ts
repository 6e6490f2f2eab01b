/** The second level of the countries that give names below it: `co.uk`, `com.br`. */
const COUNTRY_SUFFIX =
  /^(?:ac|co|com|edu|firm|gen|go|gob|gouv|gov|gv|ind|info|mil|ne|net|nom|or|org|sch)\.[a-z]{2}$/;

/**
 * Domains below which everybody can have a name: the ones of the Public Suffix List (https://publicsuffix.org/)
 * on which registries and other servers are run.
 */
const HOSTING_SUFFIXES: readonly string[] = [
  ...['aliyuncs.com', 'amazonaws.com', 'amazonaws.com.cn', 'appspot.com', 'awsapprunner.com'],
  ...['azurecontainerapps.io', 'azurecr.io', 'azurewebsites.net', 'cloudapp.azure.com'],
  ...['cloudapp.net', 'cloudfront.net', 'deno.dev', 'digitaloceanspaces.com', 'duckdns.org'],
  ...['elasticbeanstalk.com', 'fly.dev', 'github.dev', 'github.io', 'gitlab.io', 'herokuapp.com'],
  ...['jfrog.io', 'myhuaweicloud.com', 'netlify.app', 'ngrok.app', 'ngrok.dev', 'ngrok.io'],
  ...['ngrok-free.app', 'nip.io', 'onrender.com', 'ondigitalocean.app', 'pages.dev'],
  ...['railway.app', 'run.app', 'sslip.io', 'trycloudflare.com', 'ts.net', 'vercel.app'],
  ...['web.app', 'windows.net', 'workers.dev', 'xip.io'],
  // Of machines at home, and of ways to them.
  ...[
    'ddns.net',
    'dyndns.org',
    'hopto.org',
    'loca.lt',
    'myqnapcloud.com',
    'no-ip.org',
    'synology.me',
  ],
  ...['azureedge.net', 'azurefd.net', 'hf.space', 'r2.dev', 'replit.app', 'trafficmanager.net'],
];

/**
 * Whether all names of a domain belong to one owner, as far as a short list knows. A domain that it does
 * not know is taken for one that has an owner, when it has two labels at least.
 */
export function hasOwner(domain: string): boolean {
  if (!/^[^.]+(?:\.[^.]+)+$/.test(domain) || COUNTRY_SUFFIX.test(domain)) return false;
  return !HOSTING_SUFFIXES.some((suffix) => domain === suffix || domain.endsWith(`.${suffix}`));
}
