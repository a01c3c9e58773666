// Package zone is the door to which resolvers come: it answers DNS questions
// about the list, over UDP and TCP. It is the only package that knows DNS.
//
// Server.Answer is the message path: the octets of a query in, the octets of
// its answer out. It says what is right; whatever answers faster must agree
// with it octet by octet. That is the wire path: workers move many datagrams
// with one system call and answer questions about the list in the place of the
// query, from parts made ahead; all else they leave to the message path. An
// answer is
//
//   - the header: the identifier, opcode and RD of the query, QR, AA if a zone
//     of ours answers, TC if it did not fit, the rcode; all other bits clear;
//   - the question exactly as it was sent, in its own case, if the query could
//     be read and asked exactly one;
//   - the records of one RRset, or none. Their owner is a pointer to the
//     question, 0xC00C. A and TXT come strongest reason first;
//   - in a negative answer, the SOA record of the zone. Its owner is a pointer
//     to where the zone's name begins in the question. A name in its data ends
//     in a pointer to the longest part of it that has stood in a record's data
//     or is the zone's name, and is else written out;
//   - OPT, exactly if the query had one that could be read. Its options come in
//     the order NSID, COOKIE, edns-tcp-keepalive, extended error.
//
// An answer that does not fit is the header with TC, the question and OPT.
//
// Invariants:
//
//   - A query is answered from one index.Set and one configuration.
//   - Nothing is asked of anybody on the way, nothing is logged for a packet,
//     and nothing is allocated in proportion to what a stranger sent.
//   - A message with QR set is never answered, so two servers cannot be made
//     to talk to each other.
//   - In a zone, an A record for an address means that it is listed.
package zone
