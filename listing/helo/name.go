package helo

import "strings"

// hostName is rule 6: a name, or something that stands in its place. Host has no trailing dot.
func hostName(s *Session, host string) Verdict {
	name, ok := canonical(host)
	ascii := isASCII(host)
	v := Verdict{Flags: FlagCase.when(hasUpper(host)) | FlagNonASCII.when(!ascii)}
	switch {
	case !ok:
		name = host
		v.Code, v.Strength = CodeMalformed, Weak
	case identity(s, name, &v):
	case !ascii:
		v.Code, v.Strength = CodeMalformed, Weak
		v.Flags |= faults(name)
	case form(s, name, &v):
	default:
		resolves(s, name, &v)
	}
	v.Name = Escape(name, MaxName)
	return v
}

// identity is the first part of rule 6: whose name it is. It reports whether that decides.
func identity(s *Session, name string, v *Verdict) bool {
	switch {
	case isLocalhost(name):
		v.Code, v.Strength = CodeLocalhost, Weak
	case hasName(s.OurNames, name):
		v.Code, v.Strength = CodeOurName, Strong
		if s.confirmed(name) {
			v.Strength = Note
			v.Flags |= FlagOurHostNotTrusted
		}
	case isRecipient(s, name, v):
		recipientDomain(s, name, v)
	case hasName(s.Hosted, name):
		v.Code, v.Strength = CodeHostedDomain, Weak
	default:
		return false
	}
	return true
}

// isRecipient reports whether name is a recipient's domain, and flags names above or below one.
func isRecipient(s *Session, name string, v *Verdict) bool {
	var flags Flags
	for _, rcpt := range s.Recipients {
		domain, ok := canonical(strings.TrimSuffix(domainOf(rcpt), "."))
		switch {
		case !ok || domain == "":
		case domain == name:
			return true
		case isUnder(name, domain):
			flags |= FlagRcptSubdomain
		case isUnder(domain, name) && strings.Contains(name, "."):
			flags |= FlagRcptParent
		}
	}
	v.Flags |= flags
	return false
}

// domainOf returns the domain of a mailbox, or what is one already.
func domainOf(rcpt string) string {
	rcpt = strings.TrimSuffix(rcpt, ">")
	return rcpt[strings.LastIndexByte(rcpt, '@')+1:]
}

// recipientDomain judges a client that calls itself what a recipient is called.
func recipientDomain(s *Session, name string, v *Verdict) {
	switch {
	case s.confirmed(name):
		v.Code, v.Strength = CodeOKRcptDomain, StrengthOK
		v.Flags |= FlagConfirmed
	case s.heloStatus().unknown():
		v.Code, v.Strength = CodeRcptDomain, Weak
		v.Flags |= FlagDNSUnverified
	default:
		v.Code, v.Strength = CodeRcptDomain, Medium
	}
}

// form is the second part of rule 6: what can be seen in the name itself, confirmed or not. It reports whether that decides.
func form(s *Session, name string, v *Verdict) bool {
	wrong := faults(name)
	switch {
	case wrong != 0:
		v.Code, v.Strength = CodeMalformed, Weak
		v.Flags |= wrong
	case !strings.Contains(name, "."):
		v.Code, v.Strength = CodeNotFQDN, Weak
	case isInternal(name):
		v.Code, v.Strength = CodeInternalName, Note
	case isReverse(name):
		v.Code, v.Strength = CodeGeneric, Note
	case embeds(name, s.Client):
		v.Code, v.Strength = CodeGeneric, Note
		v.Flags |= FlagEmbeddedIP
	case strings.Contains(name, "_"):
		v.Code, v.Strength = CodeMalformed, Note
		v.Flags |= FlagUnderscore
	default:
		return false
	}
	return true
}

// resolves is the last part of rule 6: whether a name without fault leads to the client.
func resolves(s *Session, name string, v *Verdict) {
	switch status := s.heloStatus(); {
	case s.confirmed(name):
		v.Code, v.Strength = CodeOK, StrengthOK
	case status.unknown():
		v.Code, v.Strength = CodeOK, StrengthOK
		v.Flags |= FlagDNSUnverified
	case status == NXDomain:
		v.Code, v.Strength = CodeUnresolvable, Note
	default:
		v.Code, v.Strength = CodeIPMismatch, Note
	}
}
