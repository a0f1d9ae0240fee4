using System.CommandLine;
using System.Text;

namespace Hive.Cli.Verbs;

/// <summary>Sends a message as the operator.</summary>
internal static class SendVerb
{
    public static Command Create()
    {
        var name = CommonOptions.Agent("Who gets it");
        var body = new Argument<string[]>("BODY") { Description = "The message (at most 4096 bytes); - or nothing reads it from standard input", Arity = ArgumentArity.ZeroOrMore };
        var reply = new Option<long?>("--reply-to") { Description = "The id of the message this one answers", HelpName = "ID" };
        return HostVerb.Create("send", "Send a message to an agent, as the operator.", async (verb, parsed) =>
        {
            var who = parsed.GetRequiredValue(name);
            var text = await BodyAsync(parsed.GetValue(body)!, verb.Cancelled);
            var answer = await verb.CallAsync("send", new { to = who, body = text, in_reply_to = parsed.GetValue(reply) });
            verb.Report(answer, answer.TryGetProperty("id", out var id) ? $"sent to {who} as message {id}" : $"sent to {who}");
        }, name, body, reply);
    }

    private static async Task<string> BodyAsync(string[] words, CancellationToken ct)
    {
        if (words is not ([] or ["-"]))
            return string.Join(' ', words);
        if (words.Length == 0 && !Console.IsInputRedirected)
            throw new UsageException("what shall the message say? hive send NAME TEXT, or hive send NAME - to read it from standard input");
        // Strict: a byte that is no UTF-8 is an error here, not a question mark in the message.
        using var input = new StreamReader(Console.OpenStandardInput(), new UTF8Encoding(false, throwOnInvalidBytes: true));
        try
        {
            return (await input.ReadToEndAsync(ct)).TrimEnd('\n', '\r');
        }
        catch (DecoderFallbackException)
        {
            throw new UsageException("standard input is no UTF-8 text; a message is text, send other files by their path");
        }
    }
}
