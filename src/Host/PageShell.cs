using System.Text;
using Hive.Common;

namespace Hive.Host;

/// <summary>
/// Serves the page's document with the build it belongs to, so that a page which a browser kept finds out with its
/// first snapshot that the host is another build.
/// </summary>
internal sealed class PageShell(HiveBuild build)
{
    private const string Head = "<head>";

    private readonly Lazy<byte[]> document = new(() =>
    {
        var named = $"""{Head}<meta name="hive-version" content="{build.Version}">""";
        return Encoding.UTF8.GetBytes(File.ReadAllText(Path).Replace(Head, named, StringComparison.Ordinal));
    });

    /// <summary>The document as it was built.</summary>
    public static string Path { get; } = System.IO.Path.Combine(AppContext.BaseDirectory, "wwwroot", "index.html");

    public Task Serve(HttpContext http, RequestDelegate next)
    {
        var (get, head) = (HttpMethods.IsGet(http.Request.Method), HttpMethods.IsHead(http.Request.Method));
        if (http.Request.Path != "/index.html" || !(get || head))
            return next(http);
        http.Response.ContentType = "text/html; charset=utf-8";
        http.Response.Headers.CacheControl = "no-cache";
        http.Response.ContentLength = document.Value.Length;
        return head ? Task.CompletedTask : http.Response.Body.WriteAsync(document.Value).AsTask();
    }
}
