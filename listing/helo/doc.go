// Package helo says what the HELO of one SMTP session tells about its client.
//
// It is the one place where bogus and harmless greetings are told apart, so that the policy service, the log reader, the
// thresholds and the support desk cannot disagree. [Classify] is pure: a [Session] in, a [Verdict] out, no clock, no DNS, no
// configuration. The caller has done the lookups and says in the Session how they went.
//
// Invariants:
//
//   - The first rule that matches decides, in the order of classify.go, literal.go, bare.go and name.go.
//   - A name that does not match the client's address is never worth more than a note: RFC 5321, section 4.1.4, forbids to
//     refuse mail for it. The same holds for names that do not resolve, internal and generic names, and for literals that are
//     private or near the client. Only false identity (our address, our name, the recipient's domain), bare addresses and
//     literals of strangers are medium or strong.
//   - A DNS lookup that failed or was not made is never evidence against a client.
//   - Only the connection is judged: the client address and what it said, never Received lines further in.
//   - HELO is hostile. Name and Sentence of a verdict are printable ASCII of bounded length.
package helo
