using System.Security.Cryptography;
using System.Text;
using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Protocol;
using Microsoft.AspNetCore.Http.Headers;
using Microsoft.Net.Http.Headers;

namespace Hive.Host;

/// <summary>
/// Serves the page's document at every place of the page. The document names the build it belongs to, so that a page
/// which a browser kept finds out with its first snapshot that the host is another build, and the operator's
/// preferences, so that its first paint is right.
/// </summary>
internal sealed class PageShell(HiveBuild build, IPageAttributes attributes)
{
    private const string Root = "<html lang=\"en\"";
    private const string Head = "<head>";

    // Answers of programs, at which no browser should see the page.
    private static readonly PathString[] Programs = ["/api", "/dashboard", "/openapi", "/health", "/ready", "/assets"];

    private readonly Lazy<string> document = new(() =>
    {
        var named = $"""{Head}<meta name="hive-version" content="{build.Version}">""";
        return File.ReadAllText(Path).Replace(Head, named, StringComparison.Ordinal);
    });

    /// <summary>The document as it was built.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "wwwroot", "index.html");

    /// <summary>Serves the page at its places, and passes other requests on.</summary>
    public Task Serve(HttpContext http, RequestDelegate next) =>
        IsRead(http.Request) && PagePlaces.Contains(http.Request.Path.Value) ? Write(http) : next(http);

    /// <summary>Serves the page, which says that there is no such place, when a browser asked for an unknown address.
    /// Programs get an error.</summary>
    public Task ServeUnknown(HttpContext http)
    {
        var status = http.Response.StatusCode;
        var isUnknown = status is StatusCodes.Status404NotFound or StatusCodes.Status405MethodNotAllowed;
        if (isUnknown && IsRead(http.Request) && IsNavigation(http.Request) && File.Exists(Path))
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            return Write(http);
        }

        var code = status == StatusCodes.Status404NotFound ? ErrorCode.NotFound : ErrorCode.Invalid;
        return RestErrors.Write(http, code, "no such route", status);
    }

    private static bool IsRead(HttpRequest request) =>
        HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method);

    private static bool IsNavigation(HttpRequest request) =>
        !Array.Exists(Programs, path => request.Path.StartsWithSegments(path))
        && request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase);

    private Task Write(HttpContext http) =>
        RestErrors.Guard(
            http,
            async _ =>
            {
                var bytes = Encoding.UTF8.GetBytes(Attributed(await attributes.Read(http.RequestAborted)));
                // Weak, because the answer may be compressed on its way.
                var tag = new EntityTagHeaderValue(
                    $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, 12))}\"",
                    isWeak: true
                );
                var headers = http.Response.GetTypedHeaders();
                headers.ETag = tag;
                http.Response.Headers.CacheControl = "no-cache";
                if (http.Response.StatusCode == StatusCodes.Status200OK && IsKnown(http.Request.GetTypedHeaders(), tag))
                {
                    http.Response.StatusCode = StatusCodes.Status304NotModified;
                    return;
                }

                http.Response.ContentType = "text/html; charset=utf-8";
                http.Response.ContentLength = bytes.Length;
                if (HttpMethods.IsGet(http.Request.Method))
                    await http.Response.Body.WriteAsync(bytes, http.RequestAborted);
            }
        );

    private static bool IsKnown(RequestHeaders request, EntityTagHeaderValue tag) =>
        request.IfNoneMatch.Any(known => known.Compare(tag, useStrongComparison: false));

    private string Attributed(IEnumerable<(string Name, string Value)> attributes)
    {
        var written = string.Concat(attributes.Select(a => $" {a.Name}=\"{a.Value}\""));
        return document.Value.Replace(Root, Root + written, StringComparison.Ordinal);
    }
}
