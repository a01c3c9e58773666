# The note for agents about what `blctl request --json` answered. A mail's words
# are shown in one line each, and without control characters.
def plain: tostring | gsub("[[:cntrl:]]+"; " ") | if length > 300 then .[:300] + "…" else . end;
def field($name): if . == null or . == "" or . == [] then empty else $name + ": " + (if type == "array" then map(plain) | join(", ") else plain end) end;

[
	$mark,
	"",
	if (.address // "") != "" then (.address | field("Address")) else (.finding.candidates | field("Addresses named")) end,
	(.decision.decision | field("Decision")),
	(.decision.sentence | field("Because")),
	(.decision.retry_after | field("Ask again after")),
	(.decision.changes_when | field("What changes it")),
	(.outcome | field("Done")),
	(.effective_by | field("Effective in DNS by")),
	(.ticket | field("Our ticket")),
	(.finding.listed_then | if . == null then empty else "Listed at the time of the mail's session: " + (if . then "yes" else "no" end) end),
	"",
	(if $refused != "" then "A PERSON IS NEEDED: " + ($refused | plain)
	 elif .human then "A PERSON IS NEEDED: " + (.no_answer | plain)
	 elif .ok | not then "A PERSON IS NEEDED: " + (.error.message | plain), (.error.hint | field("Hint"))
	 elif (.no_answer // "") != "" then "Not answered: " + (.no_answer | plain)
	 else "Answered with the letter: " + (.subject | plain) end),
	(if $refused != "" then "", .letter else empty end),
	(.finding // {} | (
		(.helo | field("HELO in the message")),
		(.time | field("Session in the message")),
		(.references | field("References in the message")))),
	(.finding.claims // [] | .[:10][] | "", "The message has (" + (.kind | plain) + "): " + (.text | plain),
		"  this proves " + (.proves | plain), "  and not " + (.does_not_prove | plain))
] | join("\n")
