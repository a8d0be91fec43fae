<?xml version="1.0" encoding="utf-8"?>
<!-- XSLT In: turns SSP's SSPAdapterCall document into a call of the bridge. Every call field goes
     out under its own name, so the names of the call fields are what the bridge sees. -->
<xsl:stylesheet version="1.0"
    xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:pb="urn:pergabridge:intake"
    exclude-result-prefixes="xsl">
  <xsl:output method="xml" encoding="utf-8" omit-xml-declaration="no"/>
  <xsl:template match="/">
    <soap:Envelope>
      <soap:Body>
        <pb:ProcessCall>
          <xsl:for-each select="/*[local-name()='SSPAdapterCall']/*[local-name()='Field']">
            <pb:Field Name="{@Name}"><xsl:value-of select="."/></pb:Field>
          </xsl:for-each>
        </pb:ProcessCall>
      </soap:Body>
    </soap:Envelope>
  </xsl:template>
</xsl:stylesheet>
