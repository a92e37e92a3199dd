/** What stands for a secret. */
export const SECRET = "[secret]";

/** Words of a name whose value is a secret: `API_TOKEN`, `--db-password`, `sessionId`. */
const SECRET_WORDS: ReadonlySet<string> = new Set([
  "auth",
  "authorization",
  "authtoken",
  "apikey",
  "bearer",
  "cookie",
  "credential",
  "credentials",
  "dsn",
  "jwt",
  "otp",
  "pass",
  "passcode",
  "passphrase",
  "passwd",
  "password",
  "passwords",
  "pat",
  "pwd",
  "secret",
  "secrets",
  "sid",
  "token",
  "tokens",
]);
/** The same without anything between its words: `mytoken`, `dbpassword`, `PGPASSWORD`. */
const SECRET_END =
  /(?:token|passw(?:or)?d|passphrase|secret|apikey|accesskey|privatekey|secretkey|credentials?)s?$/;
/** What a key opens: `api-key` is secret, `key` alone says nothing. */
const BEFORE_KEY: ReadonlySet<string> = new Set(
  ("access account api auth client deploy encryption master private secret session shared " +
    "signing ssh").split(" "),
);

/** Whether the value of something with this name is a secret. */
export function isSecretName(name: string): boolean {
  // The working directory.
  if (/^(?:OLD)?PWD$/.test(name)) return false;
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase().split(/[^a-z0-9]+/);
  return words.some((word, index) =>
    SECRET_WORDS.has(word) || SECRET_END.test(word) ||
    ((word === "key" || word === "keys") && BEFORE_KEY.has(words[index - 1] ?? "")) ||
    (word === "id" && words[index - 1] === "session" && words.length > 1)
  );
}

/** A colour between a name and its value, as itself or as `repr` writes it. */
const COLOR = "(?:(?:\\x1b|\\\\+(?:x1b|u001b|033))\\[[\\d;]{0,12}m)?";
/** `<password>…</password>` and `name="csrf_token" value="…"`. */
const MARKUP: readonly RegExp[] = [
  /(?<before><(?:[\w-]{1,40}:)?(?<name>[\w.-]{1,80})(?:\s[^<>]{0,200})?>)[^<>]+(?=<\\{0,4}\/)/g,
  new RegExp(
    "(?<before>\\b(?:name|id)=(\\\\*[\"'])(?<name>[\\w.-]{1,80})\\2[^<>]{0,200}?" +
      "\\bvalue=(\\\\*[\"']))(?:(?!\\4)[^<>])+",
    "g",
  ),
];

/** Names of headers whose value goes to the end of the line. */
const HEADER = /^(?:proxy-)?authorization$|^(?:set-)?cookie$/i;

/** Secrets that are known by their form alone. */
const FORMS: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----[\s\S]*?(?:-----END [A-Z ]*-----|$)/g,
  /(?<![A-Za-z0-9])(?:gh[pousr]_\w{16,}|github_pat_\w{16,}|gl(?:pat|ptt|dt|rt)-[\w-]{16,})/g,
  /(?<![A-Za-z0-9])(?:xox[a-z]-[\w-]{8,}|xapp-[\w-]{8,}|sk-[\w-]{16,}|[sr]k_(?:live|test)_\w{8,})/g,
  /(?<![A-Za-z0-9])(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{12,}/g,
  /(?<![A-Za-z0-9])(?:AIza[\w-]{30,}|ya29\.[\w.-]{16,}|SG\.[\w-]{16,}\.[\w-]{16,})/g,
  /(?<![A-Za-z0-9])eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g,
  /(?<![A-Za-z0-9])(?:npm_\w{30,}|pypi-[\w-]{16,}|hf_\w{20,}|dop_v1_\w{16,}|AGE-SECRET-KEY-\w+)/g,
  /(?<=hooks\.slack\.com\/services\/)[\w\/-]+/g,
  /(?<=\b(?:bearer|negotiate)\s{1,4})[\w.~+\/=-]{8,}/gi,
  /(?<=\bbasic\s{1,4})[A-Za-z0-9+\/]{8,}={0,2}/gi,
  // `.netrc`.
  /(?<=\blogin\s{1,4}\S{1,80}\s{1,4}password\s{1,4})[^\s"'\\[]+/g,
  // Commands that take a password in a short option.
  /(?<=(?<![\w-])(?:-u|--user|--proxy-user)[ =]['"]?)[^\s:'"]+:[^\s'"]+/g,
  /(?<=\b(?:mysql\w*|mariadb\w*|sshpass|redis-cli)\b[^\n]{0,200}?\s-[pa] ?)[^\s'"]+/g,
];

/** A user and a password, or a token, in front of the host of a URL. */
const URL_SECRETS: readonly RegExp[] = [
  /(?<=[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s\/"]{1,2000}(?=@)/gi,
  // A password with a slash: what follows the colon is no port.
  /(?<=[a-z][a-z0-9+.-]{0,30}:\/\/)[^\s\/:@"]{0,200}:(?!\d{1,5}(?:[\/?#]|$))[^\s"]{0,2000}(?=@)/gi,
];
/** `?key=…&sig=…`: names that are secret in a URL only. */
const URL_PARAMETERS = /(?<=[?&;](?:key|code|sig|signature|x-amz-\w+|sv|se|sp)=)[^\s&#"'<>]+/gi;

/** A name, and what may stand between it and its value. */
const ASSIGNED = new RegExp(
  "(?:(?<!\\w)|(?<=\\[[\\d;]{0,12}m))(-{0,2})([A-Za-z_][\\w.-]{0,80})(?![\\w.-])(" + COLOR +
    "\\\\*[\"'`]?\\]?[ \\t]{0,4}(?:[!=]==?|:=|=>|[=:]|%3[dD])[ \\t]{0,4}" + COLOR +
    "|\\\\*[\"']?[ \\t]{1,4}|" +
    "\\\\*[\"'],[ \\t]{0,4})",
  "g",
);
const QUOTED = new RegExp(
  "[bBrRuUfF]{0,2}(?:\"\"\"[^]*?(?:\"\"\"|$)|'''[^]*?(?:'''|$)|" +
    String.raw`"(?:[^"\\]|\\.)*(?:"|$)|'(?:[^'\\]|\\.)*(?:'|$)|(\\+["'])[^]*?\1)`,
  "y",
);
const BARE = /[^\s"'`]+/y;
/** A word of a command line, which may hold quotes. */
const WORD = /\S+/y;
const IN_URL = /[^\s"'`&#]+/y;
/** Values that are none, and types in signatures. */
const NO_SECRET = /^(?:None|null|True|true|False|false|undefined|str|int|bytes|bool|\.\.\.)$/;
/** What an earlier rule has put in place of a value. */
const REPLACED = /^["']?\[(?:secret\b|\$)/;
/** What ends a sentence or closes a bracket after a value. */
const AFTER_VALUE = /[)\]},;:.]+$/;
const AFTER_WORD = /[\\"'`)\]},;]+$/;

/** Replaces secrets that are recognized by a name in front of them, or by their form. */
export function withoutSecrets(text: string, replaced: () => string): string {
  let result = text.replace(FORMS[0]!, replaced);
  result = withoutAssigned(result, replaced);
  for (const pattern of MARKUP) {
    result = result.replace(pattern, (all: string, ...match: unknown[]) => {
      const { before, name } = match.at(-1) as { readonly before: string; readonly name: string };
      const isHidden = isSecretName(name) && !REPLACED.test(all.slice(before.length));
      return isHidden ? before + replaced() : all;
    });
  }
  const inUrls = text.includes("@") ? URL_SECRETS : [];
  for (const pattern of [...inUrls, URL_PARAMETERS, ...FORMS.slice(1)]) {
    result = result.replace(pattern, (found) => found === SECRET ? found : replaced());
  }
  return result;
}

/** Replaces the values of names that are secret: `token=…`, `--password …`, `"apiKey": "…"`. */
function withoutAssigned(text: string, replaced: () => string): string {
  let [result, done] = ["", 0];
  ASSIGNED.lastIndex = 0;
  for (let match = ASSIGNED.exec(text); match !== null; match = ASSIGNED.exec(text)) {
    const [, dashes, name, between] = match as unknown as [string, string, string, string];
    const isHeader = HEADER.test(name);
    const isAssigned = /[=:%]/.test(between);
    // Without a sign only an option has a value, and in a list of words a header.
    if (!isSecretName(name) || !(isAssigned || dashes !== "" || isHeader && /,/.test(between))) {
      continue;
    }
    const start = ASSIGNED.lastIndex;
    const end = endOfValue(text, start, {
      before: text[match.index - 1] ?? "",
      isHeader: isHeader && isAssigned,
      isWord: dashes !== "",
    });
    const value = text.slice(start, end);
    // An earlier rule may have named the variable whose value it was.
    if (value === "" || REPLACED.test(value) || NO_SECRET.test(value)) continue;
    // What does not stand for a value, such as the next option.
    if (!isAssigned && /^-{1,2}[a-z]/i.test(value)) continue;
    const [, opening = ""] = /^([bBrRuUfF]{0,2}\\*["'])/.exec(value) ?? [];
    const quote = opening.replace(/^[a-z]+/i, "");
    const closing = quote !== "" && value.length > opening.length && value.endsWith(quote);
    if (closing && value.length === opening.length + quote.length) continue;
    result += text.slice(done, start) + opening + replaced() + (closing ? quote : "");
    done = ASSIGNED.lastIndex = end;
  }
  return result + text.slice(done);
}

/** Where the value that begins at `start` ends. */
function endOfValue(
  text: string,
  start: number,
  { before, isHeader, isWord }: {
    readonly before: string;
    readonly isHeader: boolean;
    readonly isWord: boolean;
  },
): number {
  QUOTED.lastIndex = start;
  if (QUOTED.test(text)) return QUOTED.lastIndex;
  if (isHeader) {
    const close = before === '"' || before === "'" ? text.indexOf(before, start) : -1;
    const line = text.indexOf("\n", start);
    const ends = [close, line].filter((end) => end >= 0);
    return ends.length > 0 ? Math.min(...ends) : text.length;
  }
  const pattern = isWord ? WORD : /[?&]/.test(before) ? IN_URL : BARE;
  pattern.lastIndex = start;
  if (!pattern.test(text)) return start;
  const value = text.slice(start, pattern.lastIndex);
  return start + value.replace(isWord ? AFTER_WORD : AFTER_VALUE, "").length;
}

/** Whether the word after this one of a command is a secret: `--token`, `-u`, a header's name. */
export function announcesSecret(word: string, next: string): boolean {
  if (HEADER.test(word)) return true;
  if (/^(?:-u|--user|--proxy-user)$/.test(word)) return next.includes(":");
  return /^--?[\w-]+$/.test(word) && isSecretName(word) && !/^--?[a-z]/i.test(next);
}
