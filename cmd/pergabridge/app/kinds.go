package app

import (
	_ "github.com/pergabridge/pergabridge/bridge/provider/http" // the kinds of providers this binary knows
	_ "github.com/pergabridge/pergabridge/bridge/provider/mail"
)
