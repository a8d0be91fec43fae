// Package vendortest is a small, strict ticket system of a made-up vendor: an HTTP API and signed
// webhooks. Tests and the demo let the provider kind http talk to it.
//
// It is strict where real systems are: credentials are checked, fields it does not know are refused,
// a ticket that is closed takes nothing, wrong methods and media types have their own answers. It is not
// kind: creating the same ticket twice creates two, so that a double effect shows in the [Vendor.Ledger].
//
//	POST /api/tickets                       {external_id, title, description, priority, contact: {name, email}, previous}
//	GET  /api/tickets?external_id=…         {items: [ticket…]}
//	GET  /api/tickets/{number}              ticket
//	GET  /api/tickets/{number}/comments?client_id=…   {items: [comment…]}
//	POST /api/tickets/{number}/comments     {text, client_id}
//	POST /api/tickets/{number}/reopen       {reason, client_id}
//	POST /api/tickets/{number}/close        {text}
//	GET  /api/changes?since=…&page=…        {changes: [change…], cursor, next}
//
// Every change is an entry of /api/changes and a webhook at the same time, with the same id and body,
// also what came in through the API: that is how echoes arise. Webhooks are signed as Standard Webhooks v1,
// sent in order and repeated until they are answered with 2xx.
//
// [Vendor.Fail] scripts outages of single calls, [Vendor.Down] and [Vendor.Up] those of the whole host.
package vendortest
