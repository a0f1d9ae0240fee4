using System.Text;
using Hive.Agent.Children;
using Hive.Agent.Drivers.Claude;
using Hive.Agent.Login;

namespace Hive.Agent.Tests;

public sealed class VerdictTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("Claude AI usage limit reached|1769864400", 3600)]
    [InlineData("Claude AI usage limit reached|1700000000", 5)]
    [InlineData("You've hit your session limit · resets 3pm (Europe/Berlin)", 7200)]
    [InlineData("You've hit your weekly limit · resets 12:30am (UTC)", 45_000)]
    [InlineData("You've hit your limit · resets 9am (Nowhere/Atall)", 300)]
    [InlineData("API Error: 429 rate_limit_error", 300)]
    [InlineData("Credit balance is too low", 300)]
    [InlineData("API Error: Connection error.", 60)]
    public void A_rate_limit_lasts_as_long_as_it_says(string result, int seconds)
    {
        var verdict = Of($$"""{"type":"result","subtype":"success","is_error":true,"result":"{{result}}"}""");
        Assert.Equal((VerdictKind.RateLimited, TimeSpan.FromSeconds(seconds)), (verdict.Kind, verdict.Pause));
    }

    [Theory]
    [InlineData(
        """{"type":"result","subtype":"success","is_error":false,"result":"","terminal_reason":"prompt_too_long"}""",
        nameof(VerdictKind.PromptTooLong)
    )]
    [InlineData(
        """{"type":"result","subtype":"success","is_error":true,"result": """
            + """ "API Error: 400 input length and `max_tokens` exceed context limit: 196778 + 21333 > 200000"}""",
        nameof(VerdictKind.PromptTooLong)
    )]
    [InlineData(
        """{"type":"result","subtype":"success","is_error":true,"result": """
            + """ "OAuth token has expired. Please obtain a new token"}""",
        nameof(VerdictKind.LoginLost)
    )]
    [InlineData(
        """{"type":"result","subtype":"success","is_error":false,"result":"Invalid API key · Please run /login"}""",
        nameof(VerdictKind.LoginLost)
    )]
    [InlineData(
        """{"type":"result","subtype":"success","is_error":true,"api_error_status":401,"result":"x"}""",
        nameof(VerdictKind.LoginLost)
    )]
    [InlineData(
        """{"type":"result","subtype":"success","is_error":true,"api_error_status":529,"result":"x"}""",
        nameof(VerdictKind.RateLimited)
    )]
    [InlineData("""{"type":"result","subtype":"error_max_turns","is_error":true}""", nameof(VerdictKind.Failed))]
    [InlineData(
        """{"type":"result","subtype":"success","is_error":false,"result":"The test failed with: Prompt """
            + """is too long. I also saw `Please run /login` and rate_limit_error in the log."}""",
        nameof(VerdictKind.Ok)
    )]
    public void The_end_of_the_output_decides_the_verdict(string line, string kind) =>
        Assert.Equal(kind, Of(line).Kind.ToString());

    [Theory]
    [InlineData("Visit https://a.example/x?y=1 now", "https://a.example/x?y=1")]
    [InlineData("half an address: https://a.exam", null)]
    [InlineData(
        "\u001b[1mVisit\u001b[0m\r\n\u001b]8;;https://a.example/whole?long=1\u0007"
            + "https://a.exa\r\nmple/whole\u001b]8;;\u0007\r\n",
        "https://a.example/whole?long=1"
    )]
    [InlineData("\u001b[36mhttps://a.example/c\u001b[39m\r\n", "https://a.example/c")]
    public void The_address_of_a_login_is_found_in_terminal_output(string output, string? url) =>
        Assert.Equal(url, LoginSession.UrlIn(output));

    [Fact]
    public void Keys_are_never_shown() =>
        Assert.Equal("token: …\n", LoginSession.Plain("\u001b[1mtoken: sk-ant-oat01-abc_DEF\u001b[0m\n"));

    private static Verdict Of(string line)
    {
        var seen = Runs.Of(resumed: false);
        seen.Take(new OutputLine(Encoding.UTF8.GetBytes(line)));
        return Verdict.Of(seen, new ChildEnd(0, false), Now);
    }
}
