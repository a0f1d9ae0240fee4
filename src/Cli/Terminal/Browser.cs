using System.ComponentModel;
using System.Diagnostics;
using System.Net;

namespace Hive.Cli.Terminal;

/// <summary>Opens a login link in the desktop's browser.</summary>
internal static class Browser
{
    /// <summary>
    /// Opens a private file that redirects to the link. On a command line, every user of the machine could read the
    /// link while the browser starts, and its code logs in the first who uses it.
    /// </summary>
    /// <param name="url">The link.</param>
    /// <param name="page">The file's name, for <see cref="Forget"/>.</param>
    /// <returns>False without a display or without xdg-open; the caller has printed the link.</returns>
    public static bool TryOpen(string url, string page = "hive-open.html")
    {
        var display = Display.Current.Variable("WAYLAND_DISPLAY") ?? Display.Current.Variable("DISPLAY");
        var runtime = Display.Current.Variable("XDG_RUNTIME_DIR");
        if (string.IsNullOrEmpty(display) || string.IsNullOrEmpty(runtime) || !Directory.Exists(runtime))
            return false;
        try
        {
            // Overwritten each time; the code in it works once and expires soon.
            var path = Path.Combine(runtime, page);
            File.Delete(path);
            using (
                var file = new FileStream(
                    path,
                    new FileStreamOptions
                    {
                        Mode = FileMode.CreateNew,
                        Access = FileAccess.Write,
                        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
                    }
                )
            )
            using (var text = new StreamWriter(file))
                text.Write(RedirectTo(WebUtility.HtmlEncode(url)));
            // setsid: Ctrl-C here must not end the browser.
            using var opener = Process.Start(
                "/bin/sh",
                ["-c", "exec setsid -f xdg-open \"$1\" </dev/null >/dev/null 2>&1", "sh", path]
            );
            return opener is not null;
        }
        catch (Exception e) when (e is Win32Exception or IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string RedirectTo(string url) =>
        $"""
            <!doctype html><meta charset=utf-8><meta http-equiv=refresh content="0;url={url}"><a href="{url}">Hive</a>

            """;

    /// <summary>Deletes the file, if it exists.</summary>
    public static void Forget(string page)
    {
        if (Display.Current.Variable("XDG_RUNTIME_DIR") is not { Length: > 0 } runtime)
            return;
        try
        {
            File.Delete(Path.Combine(runtime, page));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder and its files went with the login session.
        }
    }
}
