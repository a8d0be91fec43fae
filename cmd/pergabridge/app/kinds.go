package app

import ( // the kinds of providers this binary knows
	_ "github.com/pergabridge/pergabridge/bridge/provider/http"
	_ "github.com/pergabridge/pergabridge/bridge/provider/mail"
	_ "github.com/pergabridge/pergabridge/bridge/provider/tehden"
	_ "github.com/pergabridge/pergabridge/bridge/provider/tesamanager"
	_ "github.com/pergabridge/pergabridge/bridge/provider/tesseron"
)
