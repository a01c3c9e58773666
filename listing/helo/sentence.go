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

func template(v Verdict) string {
	switch {
	case v.Strength == Exempt:
		return exemptTemplate(v.Code)
	case v.Code == CodeMalformed:
		return malformedTemplate(v.Flags)
	}
	switch v.Code {
	case CodeAbsent:
		return "The client {client} sent mail without greeting our server: it said neither HELO nor EHLO."
	case CodeOK, CodeOKRcptDomain, CodeRcptDomain, CodeOurName, CodeHostedDomain:
		return identityTemplate(v)
	case CodeOKLiteral, CodeOurIP, CodeBareIP, CodeForgedLiteral, CodePrivateLiteral, CodeLiteralMismatch:
		return addressTemplate(v)
	default:
		return nameTemplate(v)
	}
}

func exemptTemplate(code Code) string {
	switch code {
	case CodeExemptAuth:
		return "The sender had logged in, so how its program greeted our server does not matter."
	case CodeExemptSubmission:
		return "The session came in on a submission port, where mail programs may greet as they like."
	case CodeExemptTrusted:
		return "The client is a relay that our server trusts, so its greeting is not judged."
	case CodeExemptSelf:
		return "The client {client} is one of our own servers, so its greeting is not judged."
	default:
		return "The client address is not one of the public Internet, so its greeting is not judged."
	}
}

func identityTemplate(v Verdict) string {
	unverified := v.Flags.Has(FlagDNSUnverified)
	switch v.Code {
	case CodeOKRcptDomain:
		return "The client {client} greeted our server as {helo}, which is a recipient's domain, and DNS confirms that the name is its own."
	case CodeRcptDomain:
		if unverified {
			return "The client {client} greeted our server as {helo}, which is the domain of a recipient of its mail; whether the name is its own could not be looked up."
		}
		return "The client {client} greeted our server as {helo}, which is the domain of a recipient of its mail and not a name of that client."
	case CodeOurName:
		if v.Strength == Note {
			return "The client {client} greeted our server as {helo}, which is one of our own names and leads to that client: it seems to be a host of ours that is missing from the trusted ones."
		}
		return "The client {client} greeted our server as {helo}, which is our own server's name."
	case CodeHostedDomain:
		return "The client {client} greeted our server as {helo}, which is one of the domains that our server takes mail for."
	default:
		if unverified {
			return "The client {client} greeted our server with the proper host name {helo}; whether the name is its own was not looked up or could not be."
		}
		return "The client {client} greeted our server as {helo}, and DNS confirms that the name is its own."
	}
}

func addressTemplate(v Verdict) string {
	switch v.Code {
	case CodeOurIP:
		return "The client {client} greeted our server with {helo}, which is our own server's address {name}."
	case CodeOKLiteral:
		if v.Strength == Note {
			return "The client {client} greeted our server with its own address in brackets, {helo}, but without the tag IPv6: that belongs before it."
		}
		return "The client {client} greeted our server with its own address in brackets, {helo}, which RFC 5321 allows."
	case CodePrivateLiteral:
		return "The client {client} greeted our server with {helo}, a private or local address in brackets, as devices behind a router do."
	case CodeLiteralMismatch:
		if v.Flags.Has(FlagCrossFamily) {
			return "The client {client} greeted our server with {helo}, an address of the other Internet protocol version, which is usual for hosts that have both."
		}
		return "The client {client} greeted our server with {helo}, an address near its own."
	case CodeForgedLiteral:
		return "The client {client} greeted our server with {helo}, an address in brackets that is not its own."
	default:
		return bareTemplate(v.Flags)
	}
}

func bareTemplate(flags Flags) string {
	switch {
	case flags.Has(FlagOwn):
		return "The client {client} greeted our server with {helo}, its own IP address {name} without brackets, instead of a host name."
	case flags.Has(FlagNonglobal):
		return "The client {client} greeted our server with {helo}, the private or special IP address {name} without brackets, instead of a host name."
	default:
		return "The client {client} greeted our server with {helo}, the IP address {name} of another host without brackets, instead of a host name."
	}
}

func nameTemplate(v Verdict) string {
	switch v.Code {
	case CodeLocalhost:
		return "The client {client} greeted our server as {helo}, the name by which every computer knows itself."
	case CodeNotFQDN:
		if v.Flags.Has(FlagNumericLabel) {
			return "The client {client} greeted our server with {helo}, a number instead of a full host name."
		}
		return "The client {client} greeted our server as {helo}, a single word instead of a full host name such as mail.sender.example."
	case CodeInternalName:
		return "The client {client} greeted our server as {helo}, a name that is known only inside its own network."
	case CodeGeneric:
		if v.Flags.Has(FlagEmbeddedIP) {
			return "The client {client} greeted our server as {helo}, a name made from its address, as providers give to connections and not to mail servers."
		}
		return "The client {client} greeted our server as {helo}, a name from the reverse DNS and not of a host."
	case CodeUnresolvable:
		return "The client {client} greeted our server as {helo}, a name that does not exist in DNS; that alone is no ground for refusal."
	default:
		return "The client {client} greeted our server as {helo}, a name that DNS does not connect with its address; RFC 5321 forbids refusing mail for that."
	}
}

func malformedTemplate(flags Flags) string {
	const start = "The client {client} greeted our server with {helo}, "
	switch {
	case flags.Has(FlagEmpty):
		return "The client {client} greeted our server without giving a name."
	case flags.Has(FlagControl):
		return start + "which contains control characters."
	case flags.Has(FlagOverlong):
		return start + "which is longer than the 255 octets that SMTP allows."
	case flags.Has(FlagBracket):
		return start + "which has a bracket without its partner."
	case flags.Has(FlagLiteralSyntax):
		return start + "which is in brackets and no IP address."
	case flags.Has(FlagNonASCII):
		return start + "which contains characters that host names cannot have in SMTP."
	case flags.Has(FlagNumericTLD):
		return start + "which ends in a number and is neither an IP address nor a host name."
	case flags.Has(FlagUnderscore):
		return start + "a name with an underscore, which host names should not have."
	default:
		return start + "which is not a possible host name."
	}
}
