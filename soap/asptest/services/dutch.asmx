<%@ WebService Language="C#" Class="WorkflowService" %>
using System;
using System.IO;
using System.Text;
using System.Xml;
using System.Web.Services;
using System.Web.Services.Protocols;

// Dutch names, a text as result that repeats what came, and faults with detail. The web server in
// front asks for Basic credentials and answers in windows-1252.
[WebService(Namespace = "http://tempuri.org/")]
public class WorkflowService : WebService
{
    static readonly object gate = new object();

    string Note(string operation, params string[] args)
    {
        var line = new StringBuilder(operation);
        foreach (var a in args)
            line.Append(a == null ? " -" : " =" + Convert.ToBase64String(Encoding.UTF8.GetBytes(a)));
        lock (gate)
            File.AppendAllText(Server.MapPath("~/calls.log"), line.Append('\n').ToString());
        foreach (var a in args)
            if (a != null && a.StartsWith("throw!", StringComparison.Ordinal))
            {
                var d = new XmlDocument();
                var detail = d.CreateNode(XmlNodeType.Element, SoapException.DetailElementName.Name, SoapException.DetailElementName.Namespace);
                var code = d.CreateNode(XmlNodeType.Element, "code", "urn:ssp:fault");
                code.InnerText = "E-4711";
                detail.AppendChild(code);
                throw new SoapException("Taak geweigerd: " + a, SoapException.ClientFaultCode, "urn:ssp", detail);
            }
        return "Geaccepteerd: " + args[1];
    }

    [WebMethod]
    public string ProcessInstanceTaskExternalAcknowledgement(string taaknummer, string externKenmerk)
    {
        return Note("ProcessInstanceTaskExternalAcknowledgement", taaknummer, externKenmerk);
    }

    [WebMethod]
    public string ProcessInstanceTaskExternalUpdateMessage(string taaknummer, string bericht)
    {
        return Note("ProcessInstanceTaskExternalUpdateMessage", taaknummer, bericht);
    }

    [WebMethod]
    public string ProcessInstanceTaskExternalReassignment(string taaknummer, string oplossing)
    {
        return Note("ProcessInstanceTaskExternalReassignment", taaknummer, oplossing);
    }
}
