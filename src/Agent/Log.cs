using System.Globalization;

namespace Hive.Agent;

/// <summary>
/// Writes one line per event: <c>yyyy-MM-ddTHH:mm:ss.fffZ level text</c>. Must not be given a body, a token or a
/// prompt.
/// </summary>
internal sealed class Log(TextWriter to, TimeProvider time)
{
    private readonly Lock gate = new();

    public void Info(string text) => Write("info", text);

    public void Warn(string text) => Write("warn", text);

    public void Error(string text) => Write("error", text);

    private void Write(string level, string text)
    {
        var at = time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        // An event is one line, even if its text has several.
        var line = $"{at} {level} {text.ReplaceLineEndings(" ")}";
        lock (gate)
        {
            try
            {
                to.WriteLine(line);
                to.Flush();
            }
            catch (IOException)
            {
                // The log was closed; work continues.
            }
        }
    }
}
