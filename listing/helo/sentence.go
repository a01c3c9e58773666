package helo

import "strings"

// sentence says v to a person. The templates know three words: {client} is its address, {helo} the greeting, quoted and
// escaped, {name} the normalised name.
func sentence(s *Session, v Verdict) string {
	var space [MaxSentence]byte
	buf, rest := space[:0], template(v)
	for {
		text, after, found := strings.Cut(rest, "{")
		buf = append(buf, text...)
		if !found {
			return string(buf)
		}
		word, after, _ := strings.Cut(after, "}")
		switch word {
		case "client":
			buf = s.Client.AppendTo(buf)
		case "helo":
			buf = appendQuoted(buf, s.HELO)
		case "name":
			buf = append(buf, v.Name...)
		}
		rest = after
	}
}

// template is the first of sentences that fits a verdict.
func template(v Verdict) string {
	for _, s := range sentences {
		if s.code == v.Code && v.Flags.Has(s.flags) && (s.strength == 0 || s.strength == v.Strength) {
			return s.text
		}
	}
	return ""
}

// sentences are the templates. Of a code, those that need flags or a strength come first; the last needs neither.
var sentences = [...]struct {
	code     Code
	flags    Flags    // all are needed
	strength Strength // zero: any
	text     string
}{
	{CodeExemptAuth, 0, 0, "The sender had logged in, so how its program greeted our server does not matter."},
	{CodeExemptSubmission, 0, 0, "The session came in on a submission port, where mail programs may greet as they like."},
	{CodeExemptTrusted, 0, 0, "The client is a relay that our server trusts, so its greeting is not judged."},
	{CodeExemptSelf, 0, 0, "The client {client} is one of our own servers, so its greeting is not judged."},
	{CodeExemptNonglobalClient, 0, 0, "The client address is not one of the public Internet, so its greeting is not judged."},
	{CodeAbsent, 0, 0, "The client {client} sent mail without greeting our server: it said neither HELO nor EHLO."},

	{CodeOK, FlagDNSUnverified, 0, "The client {client} greeted our server with the proper host name {helo}; whether the name is its own was not looked up or could not be."},
	{CodeOK, 0, 0, "The client {client} greeted our server as {helo}, and DNS confirms that the name is its own."},
	{CodeOKRcptDomain, 0, 0, "The client {client} greeted our server as {helo}, which is a recipient's domain, and DNS confirms that the name is its own."},
	{CodeRcptDomain, FlagDNSUnverified, 0, "The client {client} greeted our server as {helo}, which is the domain of a recipient of its mail; whether the name is its own could not be looked up."},
	{CodeRcptDomain, 0, 0, "The client {client} greeted our server as {helo}, which is the domain of a recipient of its mail and not a name of that client."},
	{CodeOurName, 0, Note, "The client {client} greeted our server as {helo}, which is one of our own names and leads to that client: it seems to be a host of ours that is missing from the trusted ones."},
	{CodeOurName, 0, 0, "The client {client} greeted our server as {helo}, which is our own server's name."},
	{CodeHostedDomain, 0, 0, "The client {client} greeted our server as {helo}, which is one of the domains that our server takes mail for."},

	{CodeOurIP, 0, 0, "The client {client} greeted our server with {helo}, which is our own server's address {name}."},
	{CodeOKLiteral, 0, Note, "The client {client} greeted our server with its own address in brackets, {helo}, but without the tag IPv6: that belongs before it."},
	{CodeOKLiteral, 0, 0, "The client {client} greeted our server with its own address in brackets, {helo}, which RFC 5321 allows."},
	{CodePrivateLiteral, 0, 0, "The client {client} greeted our server with {helo}, a private or local address in brackets, as devices behind a router do."},
	{CodeLiteralMismatch, FlagCrossFamily, 0, "The client {client} greeted our server with {helo}, an address of the other Internet protocol version, which is usual for hosts that have both."},
	{CodeLiteralMismatch, 0, 0, "The client {client} greeted our server with {helo}, an address near its own."},
	{CodeForgedLiteral, 0, 0, "The client {client} greeted our server with {helo}, an address in brackets that is not its own."},
	{CodeBareIP, FlagOwn, 0, "The client {client} greeted our server with {helo}, its own IP address {name} without brackets, instead of a host name."},
	{CodeBareIP, FlagNonglobal, 0, "The client {client} greeted our server with {helo}, the private or special IP address {name} without brackets, instead of a host name."},
	{CodeBareIP, 0, 0, "The client {client} greeted our server with {helo}, the IP address {name} of another host without brackets, instead of a host name."},

	{CodeLocalhost, 0, 0, "The client {client} greeted our server as {helo}, the name by which every computer knows itself."},
	{CodeNotFQDN, FlagNumericLabel, 0, "The client {client} greeted our server with {helo}, a number instead of a full host name."},
	{CodeNotFQDN, 0, 0, "The client {client} greeted our server as {helo}, a single word instead of a full host name such as mail.sender.example."},
	{CodeInternalName, 0, 0, "The client {client} greeted our server as {helo}, a name that is known only inside its own network."},
	{CodeGeneric, FlagEmbeddedIP, 0, "The client {client} greeted our server as {helo}, a name made from its address, as providers give to connections and not to mail servers."},
	{CodeGeneric, 0, 0, "The client {client} greeted our server as {helo}, a name from the reverse DNS and not of a host."},
	{CodeUnresolvable, 0, 0, "The client {client} greeted our server as {helo}, a name that does not exist in DNS; that alone is no ground for refusal."},
	{CodeIPMismatch, 0, 0, "The client {client} greeted our server as {helo}, a name that DNS does not connect with its address; RFC 5321 forbids refusing mail for that."},

	{CodeMalformed, FlagEmpty, 0, "The client {client} greeted our server without giving a name."},
	{CodeMalformed, FlagControl, 0, "The client {client} greeted our server with {helo}, which contains control characters."},
	{CodeMalformed, FlagOverlong, 0, "The client {client} greeted our server with {helo}, which is longer than the 255 octets that SMTP allows."},
	{CodeMalformed, FlagBracket, 0, "The client {client} greeted our server with {helo}, which has a bracket without its partner."},
	{CodeMalformed, FlagLiteralSyntax, 0, "The client {client} greeted our server with {helo}, which is in brackets and no IP address."},
	{CodeMalformed, FlagNonASCII, 0, "The client {client} greeted our server with {helo}, which contains characters that host names cannot have in SMTP."},
	{CodeMalformed, FlagNumericTLD, 0, "The client {client} greeted our server with {helo}, which ends in a number and is neither an IP address nor a host name."},
	{CodeMalformed, FlagUnderscore, 0, "The client {client} greeted our server with {helo}, a name with an underscore, which host names should not have."},
	{CodeMalformed, 0, 0, "The client {client} greeted our server with {helo}, which is not a possible host name."},
}
