package helo

import "strings"

// maxHELO is how long a domain may be on the wire of SMTP, in octets (RFC 5321, section 4.5.3.1.2).
const maxHELO = 255

// Classify judges one session. The first rule that matches decides.
func Classify(s Session) Verdict {
	s.Client = plain(s.Client)
	v := Verdict{Code: exemption(&s)}
	if v.Code == "" {
		v = greeting(&s)
		v.Flags |= FlagNullSender.when(s.NullSender)
		v.RDNS = reverse(&s)
	}
	v.Sentence = sentence(&s, v)
	if s.Unproven && v.Strength > Note { // what the log does not show accuses nobody
		v.Strength = Note
	}
	if s.Unproven {
		v.RDNS = ""
	}
	return v
}

// exemption is rule 1: clients whose greeting is their own affair. It returns no code for all others.
func exemption(s *Session) Code {
	switch {
	case s.Auth:
		return CodeExemptAuth
	case s.Submission:
		return CodeExemptSubmission
	case s.Trusted:
		return CodeExemptTrusted
	case s.ours(s.Client):
		return CodeExemptSelf
	case !Global(s.Client):
		return CodeExemptNonglobalClient
	default:
		return ""
	}
}

// greeting is rules 2 to 6.
func greeting(s *Session) Verdict {
	if s.Verb.is(VerbNone) {
		return Verdict{Code: CodeAbsent, Strength: Note}
	}
	text := strings.Trim(s.HELO, " \t")
	flags := FlagWhitespace.when(len(text) < len(s.HELO))
	if wrong := unfit(text); wrong != 0 {
		return Verdict{Code: CodeMalformed, Strength: Weak, Flags: flags | wrong, Name: Escape(text, MaxName)}
	}
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		text, flags = text[:i], flags|FlagExtraText
	}
	v := word(s, text)
	v.Flags |= flags
	return v
}

// unfit is the part of rule 3 that leaves nothing to read.
func unfit(text string) Flags {
	flags := FlagEmpty.when(text == "") | FlagOverlong.when(len(text) > maxHELO)
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return flags | FlagControl
		}
	}
	return flags
}

// word is rules 4 to 6, on the first word of the greeting.
func word(s *Session, text string) Verdict {
	if text[0] == '[' || text[len(text)-1] == ']' {
		return literal(s, text)
	}
	host, dotted := strings.CutSuffix(text, ".")
	v, ok := bareAddress(s, host)
	if !ok {
		v = hostName(s, host)
	}
	v.Flags |= FlagTrailingDot.when(dotted)
	return v
}
