<?xml version="1.0" encoding="utf-8"?>
<!-- XSLT Out: picks the provider's reference out of the bridge's answer. It is empty when the
     reference is not known yet. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
  <xsl:output method="text" encoding="utf-8"/>
  <xsl:template match="/">
    <xsl:value-of select="normalize-space(//*[local-name()='ProcessCallResponse']/*[local-name()='reference'])"/>
  </xsl:template>
</xsl:stylesheet>
