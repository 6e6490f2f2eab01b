/** Words that stand between a name and its country in some country: `co.uk`, `id.au`, `k12.tr`. */
const COUNTRY_LEVELS = [
  'ac ad asn asso biz bbs club co com conf coop cri ebiz ed edu es firm game geek gen go gob gok gouv gov',
  'govt gr gv health hs id idv in ind inf info int iwi k12 kep kg kiwi lg ltd maori me med mil ms muni name',
  'ne net ngo nhs nic nom nome not ntr off or org oz parliament pe per plc pol police pp prd pri priv pro psc',
  're rec res sa sc sch school sld store tec tel tm tur waw web msk spb kiev kharkov lviv odessa',
].join(' ');

const COUNTRY_SUFFIX = new RegExp(`^(?:${COUNTRY_LEVELS.replaceAll(' ', '|')})\\.[a-z]{2}$`);

/** Countries in which nobody, or hardly anybody, has a name without such a word. */
const WITH_LEVEL_ONLY = /^[^.]+\.(?:bd|br|ck|er|fk|il|jm|kh|kw|mm|np|pg|th|za)$/;

const PREFECTURES = [
  'aichi akita aomori chiba ehime fukui fukuoka fukushima gifu gunma hiroshima hokkaido hyogo ibaraki ishikawa',
  'iwate kagawa kagoshima kanagawa kochi kumamoto kyoto mie miyagi miyazaki nagano nagasaki nara niigata oita',
  'okayama okinawa osaka saga saitama shiga shimane shizuoka tochigi tokushima tokyo tottori toyama wakayama',
  'yamagata yamaguchi yamanashi',
].join(' ');

/** Names of places: `chiyoda.tokyo.jp`, `k12.ca.us`. */
const PLACE_SUFFIX = new RegExp(
  `^(?:[^.]+\\.)?(?:(?:${PREFECTURES.replaceAll(' ', '|')})\\.jp|[a-z]{2}\\.us)$`,
);

/** Domains below which everybody can have a name, and on which registries and other servers are run. */
const HOSTING_SUFFIXES = [
  // Of clouds.
  'aliyuncs.com amazonaws.com amazonaws.com.cn amazonaws.eu amplifyapp.com appspot.com awsapprunner.com on.aws',
  'azurecontainerapps.io azurecr.io azureedge.net azurefd.net azurewebsites.net cleverapps.io',
  'cloudapp.azure.com cloudapp.net cloudfront.net cloudworkstations.dev deno.dev digitaloceanspaces.com',
  'elasticbeanstalk.com firebaseapp.com fly.dev github.dev github.io gitlab.io gitpod.io herokuapp.com',
  'hf.space jfrog.io koyeb.app myhuaweicloud.com myqcloud.com netlify.app northflank.app',
  'ondigitalocean.app onrender.com pages.dev r2.dev railway.app repl.co replit.app replit.dev run.app',
  'scw.cloud surge.sh trafficmanager.net up.railway.app vercel.app web.app windows.net workers.dev',
  // Of machines at home, and of ways to them.
  'ddns.net diskstation.me duckdns.org dyndns.org dynu.net dynv6.net freeddns.org hopto.org lhr.life loca.lt',
  'mooo.com myddns.me myds.me myqnapcloud.com ngrok-free.app ngrok-free.dev ngrok.app ngrok.dev ngrok.io nip.io',
  'no-ip.org servehttp.com serveo.net sslip.io synology.me sytes.net trycloudflare.com ts.net us.to xip.io',
  'zapto.org',
  // Of those who sell or give names below theirs.
  'br.com cn.com co.com com.de com.se de.com eu.com eu.org gb.net gr.com hu.net in.net is-a.dev jp.net jpn.com',
  'js.org mex.com pp.ua ru.com sa.com se.net uk.com uk.net us.com us.org za.com',
].flatMap((line) => line.split(' '));

/**
 * Whether all names of a domain belong to one owner, as far as a short list knows: a part of the Public
 * Suffix List (https://publicsuffix.org/), which as a whole is 300 KB. A domain that is not on it is taken
 * for one that has an owner, when it has two labels at least. What a sibling gets by such a mistake, it
 * gets at a first login only: `realm.ts`.
 */
export function hasOwner(domain: string): boolean {
  if (!/^[^.]+(?:\.[^.]+)+$/.test(domain)) return false;
  if ([COUNTRY_SUFFIX, WITH_LEVEL_ONLY, PLACE_SUFFIX].some((suffix) => suffix.test(domain))) {
    return false;
  }
  return !HOSTING_SUFFIXES.some((suffix) => domain === suffix || domain.endsWith(`.${suffix}`));
}
