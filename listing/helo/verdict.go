package helo

import "fmt"

// Verdict is what a session's HELO says about its client.
type Verdict struct {
	Code     Code     `json:"code"`     // what was seen
	Strength Strength `json:"strength"` // what it is worth
	Flags    Flags    `json:"flags"`    // what else was noticed
	// Name is HELO normalised: the host name in lower case and A-labels without a trailing dot, the address in its shortest
	// form (RFC 5952) without brackets, or, where neither could be made out, the escaped text. Empty in exempt sessions and
	// without a greeting. At most [MaxName] octets of printable ASCII.
	Name string `json:"name"`
	// Sentence says the verdict to a person: one English sentence of at most [MaxSentence] octets of printable ASCII.
	Sentence string `json:"sentence"`
	// RDNS is about the client's reverse DNS, whatever the greeting. Empty when there is nothing to note.
	RDNS RDNS `json:"rdns,omitempty"`
}

// Limits of what a verdict holds, in octets.
const (
	MaxName     = 255
	MaxSentence = 512
)

// Clean reports whether nothing was wrong with the session.
func (v Verdict) Clean() bool { return v.Strength == StrengthOK }

// Confirmed reports whether the session was clean and DNS bears the greeting out. It is such sessions that end an entry early.
func (v Verdict) Confirmed() bool {
	return v.Clean() && (v.Code == CodeOK || v.Code == CodeOKRcptDomain) && !v.Flags.Has(FlagDNSUnverified)
}

// Bogus reports whether the session may, through the thresholds, list its client.
func (v Verdict) Bogus() bool { return v.Strength >= Medium }

// Strength orders verdicts by what they are worth. Only Medium and Strong can list.
type Strength uint8

const (
	Exempt     Strength = iota // not judged
	StrengthOK                 // as it should be
	Note                       // worth counting, no fault of which to make anything
	Weak                       // a fault that well-meaning senders make too
	Medium                     // a fault that can list
	Strong                     // false identity that has no innocent reading
)

// strengthNames are the words for Strength in JSON.
var strengthNames = [...]string{"exempt", "ok", "note", "weak", "medium", "strong"}

// String returns exempt, ok, note, weak, medium or strong.
func (st Strength) String() string {
	if int(st) < len(strengthNames) {
		return strengthNames[st]
	}
	return fmt.Sprintf("strength(%d)", uint8(st))
}

// MarshalText returns the word that UnmarshalText takes.
func (st Strength) MarshalText() ([]byte, error) { return []byte(st.String()), nil }

// UnmarshalText takes the words of String.
func (st *Strength) UnmarshalText(text []byte) error {
	for i, name := range strengthNames {
		if name == string(text) {
			*st = Strength(i)
			return nil
		}
	}
	return fmt.Errorf("unknown strength %q", text)
}

// Code is what was seen. Codes are promises: counters and scripts store them.
type Code string

const (
	CodeOK                    Code = "ok"
	CodeOKLiteral             Code = "ok-literal"     // ok, or note with untagged-v6
	CodeOKRcptDomain          Code = "ok-rcpt-domain" // the recipient's own host
	CodeExemptAuth            Code = "exempt-auth"
	CodeExemptSubmission      Code = "exempt-submission"
	CodeExemptTrusted         Code = "exempt-trusted"
	CodeExemptSelf            Code = "exempt-self"
	CodeExemptNonglobalClient Code = "exempt-nonglobal-client"
	CodeAbsent                Code = "helo-absent"
	CodeMalformed             Code = "helo-malformed"   // weak, or note with underscore
	CodeOurIP                 Code = "helo-our-ip"      // strong
	CodeOurName               Code = "helo-our-name"    // strong, or note with our-host-not-trusted
	CodeBareIP                Code = "helo-bare-ip"     // medium
	CodeRcptDomain            Code = "helo-rcpt-domain" // medium, or weak with dns-unverified
	CodeForgedLiteral         Code = "helo-forged-literal"
	CodePrivateLiteral        Code = "helo-private-literal"
	CodeLiteralMismatch       Code = "helo-literal-mismatch"
	CodeHostedDomain          Code = "helo-hosted-domain"
	CodeLocalhost             Code = "helo-localhost"
	CodeNotFQDN               Code = "helo-not-fqdn"
	CodeGeneric               Code = "helo-generic"
	CodeInternalName          Code = "helo-internal-name"
	CodeUnresolvable          Code = "helo-unresolvable"
	CodeIPMismatch            Code = "helo-ip-mismatch" // note, always
)
