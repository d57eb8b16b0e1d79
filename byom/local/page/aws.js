// The calls of this page: SageMaker's own, as any client makes them.

const TARGETS = { sagemaker: "SageMaker", logs: "Logs_20140328" };

export class CallFailed extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Make one call; its answer, or CallFailed with AWS's code and text. */
export async function call(service, operation, parameters = {}) {
  const answer = await fetch("/", {
    method: "POST",
    headers: {
      "Content-Type": "application/x-amz-json-1.1",
      "X-Amz-Target": `${TARGETS[service]}.${operation}`,
      // the server finds the service in it; there is nothing to prove on loopback
      Authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/${service}/aws4_request`,
    },
    body: JSON.stringify(parameters),
  });
  const text = await answer.text();
  const body = text ? JSON.parse(text) : {};
  if (!answer.ok) throw new CallFailed(body.__type, body.message);
  return body;
}

/** The first `wanted` members of a list, and whether there are more. */
export async function list(operation, members, parameters, wanted) {
  let found = [];
  let token;
  do {
    const page = { ...parameters, MaxResults: Math.min(100, wanted - found.length) };
    const answer = await call("sagemaker", operation, token ? { ...page, NextToken: token } : page);
    found = found.concat(answer[members]);
    token = answer.NextToken;
  } while (token && found.length < wanted);
  return { found, more: Boolean(token) };
}

/** What the server says of itself. */
export async function server() {
  return (await fetch("status")).json();
}
