//! Lines in which every field is there, with numbers as long as they get, to try rules on.

pub(super) const LINES: [&str; 2] = [CONSULTATION, ENDED];

const CONSULTATION: &str = r#"{"type":"consultation","version":"1.0","time_ms":1795388400000,
"id":"00000001-00000002-00000003","call":"00000001-00000002-00000003","node":"a",
"event":{"id":"00000001-00000002-00000003","call":"00000001-00000002-00000003","node":"a",
"deadline_ms":120000,"attempt":10000,"reason":"new",
"source":{"transport":"udp","ip":"192.0.2.1","port":50600,"listener":"udp:192.0.2.2:5060"},
"request":{"method":"INVITE","uri":"sip:+4930123456@a.example",
"from":{"display":"030 123456","uri":"sip:+4930123456@a.example","tag":"a"},
"to":{"display":"030 123456","uri":"sip:+4930123456@a.example","tag":"b"},
"call_id":"a","cseq":2147483647,"contact":"sip:+4930123456@a.example",
"headers":[["From","<sip:+4930123456@a.example>;tag=a"],["Authorization","Digest a"]],"body":"v=0"},
"attempts":[{"target":"sip:+4930123456@a.example","code":302,"reason":"Found","cause":"response",
"time_ms":120000,"branch_flags":4294967295,"contacts":[{"uri":"sip:+4930123456@a.example","q":0.5}]}],
"context":"a","step":"a","attributes":{"a":"+4930123456"}},
"document":{"version":"1.0","id":"00000001-00000002-00000003","action":"route","routing":"serial",
"routes":[{"uri":"sip:+4930123456@a.example","dst_uri":"sip:a.example","path":"<sip:a.example;lr>",
"socket":"udp:192.0.2.2:5060","headers":{"from":{"display":"a","uri":"sip:+4930123456@a.example"},
"to":{"display":"a","uri":"sip:+4930123456@a.example"},"extra":"X-A: 4930123456\r\n",
"set":{"X-B":"4930123456"},"append":[["X-C","4930123456"]],"remove":["X-D"]},"branch_flags":4294967295,
"fr_timer":120000,"fr_inv_timer":120000}],"continue_on":["5xx"],
"on_exhausted":{"action":"reply","reply":{"code":486,"reason":"a","headers":[["X-E","4930123456"]],
"body":"a","content_type":"text/plain"}},
"contacts":[{"uri":"sip:+4930123456@a.example","q":0.5}],"context":"a","tags":{"a":4930123456},
"record_route":true,"attributes":{"a":4930123456},"cache":{"ttl_ms":120000,"key":["uri"]},
"max_call_ms":7200000},"application":{"name":"a","release":"1"},"tier":"a","cause":"answered",
"latency_us":1840000,"attempts":[{"application":"a","release":"1","at_us":100000,"took_us":1740000,"result":"answered",
"detail":"a"}],"outcome":{"code":200,"target":"sip:+4930123456@a.example","branch_flags":4294967295,
"branches":10000,"pdd_ms":12000,"setup_ms":120000,"duration_ms":7200000}}"#;

const ENDED: &str = r#"{"type":"ended","version":"1.0","time_ms":1795388400000,
"call":"00000001-00000002-00000003","node":"a","duration_ms":7200000,"cause":"caller_hung_up"}"#;
