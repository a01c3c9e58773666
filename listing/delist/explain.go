package delist

import "dnsbld/listing"

// Explain says what a reason means to somebody who runs a mail server, on the
// page of an address and in a letter; empty for a reason that has no more than
// its text in the catalogue.
func Explain(r listing.Reason) string {
	const own = "A mail server opens each session with the command HELO or EHLO and its own full host name (RFC 5321, section 4.1.1.1; RFC 1123, section 5.2.5). "
	switch r {
	case listing.BareIP:
		return own + "A bare IP address came in its place. An address may stand there only in square brackets (RFC 5321, section 4.1.3)."
	case listing.OurIP:
		return own + "The address of one of our own servers came in its place, as if the sender were that server."
	case listing.RcptName:
		return own + "The domain that the mail was for came in its place, and that name does not lead to this address in DNS. It has nothing to do with the command RCPT TO, nor with whether the recipient exists."
	case listing.OurName:
		return own + "The name of one of our own servers came in its place, and that name does not lead to this address in DNS."
	case 6:
		return "In HELO or EHLO a host without a name may give its own address, in square brackets (RFC 5321, section 4.1.3). The addresses that came were not its own."
	case 7:
		return own + "This address said a different name each time."
	case 8:
		return own + "The name that came was localhost, by which every computer knows itself."
	case 9:
		return own + "What came cannot be a host name (RFC 5321, section 4.1.2)."
	case 12:
		return "DNS has no name for this address. Whoever provides the address can enter one."
	case 13:
		return "DNS has a name for this address, but that name does not lead back to it. The two entries can be made to agree."
	case 14:
		return "Much of the mail from this address went to recipients that do not exist, as happens with old or guessed address lists."
	case listing.Manual:
		return "A person who runs this list decided it. No counting rule did."
	case listing.Network:
		return "Two persons who run this list decided to list the network as a whole. It does not say that this address itself did anything."
	case listing.Repeat:
		return "The address was listed anew within 90 days of an earlier listing, more than once. This mark accompanies the main reason and ends with it."
	case listing.Imported:
		return "We take in another list, and it holds this address. Our own servers need not have seen anything. It is best removed there: then it does not come back."
	}
	return ""
}

// Because says to the sender why a listing ended, after "because"; empty where
// that is of no use to him.
func Because(r listing.DelistReason) string {
	switch r {
	case listing.Expired:
		return "its time was over"
	case listing.AutoHeal:
		return "the address greeted properly again"
	case listing.SelfService:
		return "the sender asked for it"
	case listing.FixedVerified:
		return "the cause was mended"
	case listing.FixedClaimed:
		return "the sender had mended the cause"
	case listing.OurError, listing.FalsePositive:
		return "it was our mistake"
	case listing.AppealUpheld:
		return "an appeal was right"
	case listing.SharedIP:
		return "the address is shared"
	case listing.IPReassigned:
		return "the address has a new holder"
	}
	return ""
}
