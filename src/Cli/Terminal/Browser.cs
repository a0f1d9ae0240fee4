using System.ComponentModel;
using System.Diagnostics;
using System.Net;

namespace Hive.Cli.Terminal;

/// <summary>Opens a login link in the desktop's browser.</summary>
internal static class Browser
{
    /// <summary>
    /// Hands the browser a private file that leads to the link. A link on a command line can be read by every user of
    /// the machine while the
    /// program starts, and its code logs in whoever is first.
    /// </summary>
    /// <param name="url">The link.</param>
    /// <param name="page">The file's name, for who wants to <see cref="Forget"/> it.</param>
    /// <returns>False without a display, or without xdg-open; the link was printed anyway.</returns>
    public static bool TryOpen(string url, string page = "hive-open.html")
    {
        var display =
            Environment.GetEnvironmentVariable("WAYLAND_DISPLAY") ?? Environment.GetEnvironmentVariable("DISPLAY");
        var runtime = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        if (string.IsNullOrEmpty(display) || string.IsNullOrEmpty(runtime) || !Directory.Exists(runtime))
            return false;
        try
        {
            // One file, written over each time; the code in it works once and not for long.
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
                text.Write(
                    $"<!doctype html><meta charset=utf-8><meta http-equiv=refresh content=\"0;url={WebUtility.HtmlEncode(url)}\"><a href=\"{WebUtility.HtmlEncode(url)}\">Hive</a>\n"
                );
            // In a session of its own: Ctrl-C here must not end the browser.
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

    /// <summary>Removes a page, if it was ever made.</summary>
    public static void Forget(string page)
    {
        if (Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR") is not { Length: > 0 } runtime)
            return;
        try
        {
            File.Delete(Path.Combine(runtime, page));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The folder went with the login session, and its files too.
        }
    }
}
