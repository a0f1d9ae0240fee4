using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Extensions.FileProviders;
using Microsoft.Net.Http.Headers;

namespace Hive.Host;

/// <summary>Serves the files of the page's bundle, as the build has compressed them where the browser takes
/// that.</summary>
internal static class PageFiles
{
    // The smaller first.
    private static readonly (string Encoding, string Ending)[] Copies = [("br", ".br"), ("gzip", ".gz")];

    /// <summary>Serves the files of a folder, but for the document.</summary>
    public static void UsePageFiles(this IApplicationBuilder app, string folder)
    {
        var files = new PhysicalFileProvider(folder);
        app.UseWhen(
            http =>
                http.Request.Path.StartsWithSegments("/assets")
                || http.Request.Path.Value is "/favicon.svg" or "/favicon-waiting.svg",
            branch =>
            {
                branch.Use(
                    (http, next) =>
                    {
                        http.Request.Path = Best(http.Request, files);
                        return next(http);
                    }
                );
                branch.UseStaticFiles(
                    new StaticFileOptions
                    {
                        FileProvider = files,
                        ContentTypeProvider = new TypesOfCopies(),
                        OnPrepareResponse = Describe,
                    }
                );
            }
        );
    }

    private static PathString Best(HttpRequest request, PhysicalFileProvider files)
    {
        var accepted = request.GetTypedHeaders().AcceptEncoding;
        foreach (var (encoding, ending) in Copies)
        {
            var copy = request.Path.Value + ending;
            if (accepted.Any(a => a.Value == encoding && a.Quality is not 0) && files.GetFileInfo(copy).Exists)
                return copy;
        }

        return request.Path;
    }

    private static void Describe(StaticFileResponseContext context)
    {
        var headers = context.Context.Response.Headers;
        var path = context.Context.Request.Path;
        // Bundled files have a hash of their content in their name.
        headers.CacheControl = path.StartsWithSegments("/assets") ? "public, max-age=31536000, immutable" : "no-cache";
        headers.Vary = HeaderNames.AcceptEncoding;
        var copy = Array.Find(Copies, c => path.Value!.EndsWith(c.Ending, StringComparison.Ordinal));
        if (copy.Encoding is not null)
            headers.ContentEncoding = copy.Encoding;
    }

    /// <summary>The type of a copy is that of the file it was made of.</summary>
    private sealed class TypesOfCopies : IContentTypeProvider
    {
        private readonly FileExtensionContentTypeProvider types = new();

        public bool TryGetContentType(string subpath, out string contentType)
        {
            var copy = Array.Find(Copies, c => subpath.EndsWith(c.Ending, StringComparison.Ordinal));
            var original = copy.Ending is { } ending ? subpath[..^ending.Length] : subpath;
            if (!types.TryGetContentType(original, out contentType!))
                return false;
            if (contentType.StartsWith("text/", StringComparison.Ordinal))
                contentType += "; charset=utf-8";
            return true;
        }
    }
}
