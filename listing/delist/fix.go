package delist

// Fix is how the name in HELO is set in one kind of mail server.
type Fix struct {
	Server string   // "Postfix"
	Where  string   // begins in lower case: "in master.cf"; empty: at a shell
	Lines  []string // to type, or to write there; none: Where says it all
	Also   string   // a sentence more
}

// FixNote stands before all of them.
const FixNote = "In place of mail.sender.example put the server's own full host name. It is best if that name leads to the server's address in DNS and back, but this alone never lists anybody."

// Names of servers that a sender's texts tell.
const (
	postfix      = "Postfix"
	exim         = "Exim"
	exchange2003 = "Exchange 2003"
	exchange2007 = "Exchange 2007 and later"
	sendmail     = "sendmail"
)

// Fixes are those of the common mail servers, that of first (a Fix's Server)
// before the others. Letters and pages say them in these words.
func Fixes(first string) []Fix {
	all := []Fix{
		{Server: postfix, Lines: []string{"postconf -e 'smtp_helo_name = mail.sender.example'", "postfix reload"},
			Also: `Look in master.cf too, for "-o smtp_helo_name=".`},
		{Server: exim, Where: `in the transport with "driver = smtp"`, Lines: []string{"helo_data = mail.sender.example"}},
		{Server: exchange2003, Where: `in the System Manager: Servers, your server, Protocols, SMTP, Default SMTP Virtual Server, Properties, Delivery, Advanced, "Fully-qualified domain name"`},
		{Server: exchange2007, Where: "in the Management Shell", Lines: []string{"Get-SendConnector | Format-List Name,Fqdn", `Set-SendConnector "NAME" -Fqdn mail.sender.example`},
			Also: "The name of a receive connector is another setting: it is what others see who connect to you."},
		{Server: sendmail, Where: "in sendmail.mc; then rebuild sendmail.cf and restart", Lines: []string{"define(`confDOMAIN_NAME', `mail.sender.example')dnl"}},
		{Server: "qmail", Lines: []string{"echo mail.sender.example > /var/qmail/control/helohost"}},
	}
	for n, f := range all {
		if f.Server == first {
			copy(all[1:], all[:n])
			all[0] = f
		}
	}
	return all
}

// marks tell the mail server of who wrote, in flattened text: what it answers to
// those who connect to it, and what Exchange writes into the mails that it sends.
// The name behind "by" in a Received line is the receiving side's and tells nothing
// of it.
var marks = []struct {
	server string
	re     *expr
}{
	{postfix, lazy(`(?i)\b220[ -]\S{1,255} ESMTP Postfix\b`)},
	{exim, lazy(`(?i)\b220[ -]\S{1,255} ESMTP Exim\b`)},
	{exchange2003, lazy(`(?i)Microsoft ESMTP MAIL Service, Version: [56]\.0\b|\bProduced By Microsoft Exchange V6\.`)},
	{exchange2007, lazy(`(?i)\b220[ -]\S{1,255} Microsoft ESMTP MAIL Service ready\b`)},
	{sendmail, lazy(`(?i)\b220[ -]\S{1,255} ESMTP Sendmail\b`)},
}

// serverIn is the mail server that a flattened text tells of, as Fixes names it;
// empty unless it tells of exactly one.
func serverIn(flat string) string {
	found := ""
	for _, m := range marks {
		if !m.re.MatchString(flat) {
			continue
		}
		if found != "" {
			return ""
		}
		found = m.server
	}
	return found
}
