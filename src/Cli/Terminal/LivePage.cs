namespace Hive.Cli.Terminal;

/// <summary>Keeps a page current on the alternate screen of a terminal; the shell's own lines come back at the
/// end.</summary>
internal static class LivePage
{
    /// <summary>Draws the page again and again until it ends, is cancelled or fails.</summary>
    /// <param name="page">Makes the page's lines for a terminal of that size.</param>
    /// <param name="wait">Waits for the time to draw again; false ends the page.</param>
    /// <param name="ct">Ends it.</param>
    public static async Task ShowAsync(Func<Display, string> page, Func<Task<bool>> wait, CancellationToken ct)
    {
        var output = Display.Current.Output;
        // The alternate screen, without a cursor.
        await output.WriteAsync("\u001b[?1049h\u001b[?25l");
        try
        {
            do
            {
                ct.ThrowIfCancellationRequested();
                var display = Display.Current.Measured();
                await output.WriteAsync(Drawn(page(display), display.Height));
                await output.FlushAsync(ct);
            } while (await wait());
        }
        finally
        {
            await output.WriteAsync("\u001b[?25h\u001b[?1049l");
            await output.FlushAsync(CancellationToken.None);
        }
    }

    /// <summary>As many lines as fit, each cleared behind its end, and nothing left of an earlier page.</summary>
    internal static string Drawn(string text, int height)
    {
        var lines = text.TrimEnd('\n').Split('\n');
        var shown = lines.Length <= height ? lines : [.. lines.Take(height - 1), "…"];
        return $"\u001b[H{string.Join("\u001b[K\r\n", shown)}\u001b[K\u001b[J";
    }
}
