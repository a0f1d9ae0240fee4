using System.Text.RegularExpressions;
using Hive.Cli.Terminal;
using Xunit;
using static Hive.Tests.Cli.Outcomes;

namespace Hive.Tests.Cli;

/// <summary>Tables on terminals of several widths.</summary>
public sealed partial class TableTests(RunningHive hive) : IClassFixture<RunningHive>
{
    [Fact]
    public async Task Reminders_lists_pending_reminders_and_status_counts_them()
    {
        Ok(await hive.RunAsync("spawn", "planner", "--runtime", "external"));
        Assert.Equal("No pending reminders.", Assert.Single(Ok(await hive.RunAsync("reminders", "planner")).Lines));
        using (var planner = await hive.AgentAsync("planner"))
        {
            await planner.CallAsync("remind", new { message = "second\u001b[2J line\nmore", delay_seconds = 7200 });
            await planner.CallAsync(
                "remind",
                new
                {
                    message = new string('x', 100),
                    delay_seconds = 3600,
                    file_path = "/agents/planner/state/x.md",
                }
            );
        }

        await hive.LeftAsync("planner");
        var lines = Ok(await hive.RunAsync("reminders", "@planner")).Lines;
        Assert.Equal(3, lines.Length);
        Assert.Matches("^ID +AGENT +DUE +MESSAGE +FAILED$", lines[0]);
        Assert.Matches(@"^\d+ +planner +\d\d-\d\d \d\d:\d\d +x{100} \(into /agents/planner/state/x\.md\)$", lines[1]);
        Assert.Contains("second␛[2J line more", lines[2], StringComparison.Ordinal);
        var rows = Document(await hive.RunAsync("reminders", "planner", "--json")).GetProperty("reminders");
        Assert.Equal(["planner", "planner"], rows.EnumerateArray().Select(r => r.GetProperty("agent").GetString()));
        Assert.Equal(100, rows[0].GetProperty("message").GetString()!.Length);
        Assert.Matches(
            "^planner +not connected .*0 +2 +external",
            Ok(await hive.RunAsync("status", "planner")).Lines[1]
        );
    }

    [Theory]
    [InlineData(40)]
    [InlineData(80)]
    [InlineData(120)]
    public async Task Tables_have_one_line_per_row_that_fits_the_terminal(int columns)
    {
        string[] names = ["wide-one", "wide-two-twenty-chars", "wide-three"];
        foreach (var name in names)
        {
            await hive.RunAsync("spawn", name, "--runtime", "external");
            using var agent = await hive.AgentAsync(name);
            var text =
                "reads 日本語の文章 and 🐝🐝🐝, then writes\nwhat it has found out in turn: " + new string('x', 60);
            await agent.CallAsync("set_status", new { text });
            await agent.CallAsync("remind", new { message = text, delay_seconds = 7200 });
        }

        await hive.LeftAsync(names);
        var status = await OnTerminalAsync(columns, "status", names);
        Assert.Equal(names.Length + 1, status.Length);
        Assert.All(status, line => Assert.True(Cells(line) <= columns, $"{Cells(line)}: {line}"));
        var reminders = await OnTerminalAsync(columns, "reminders", names);
        Assert.True(reminders.Length > names.Length, string.Join('\n', reminders));
        Assert.All(reminders, line => Assert.True(Cells(line) <= columns, $"{Cells(line)}: {line}"));
        if (columns >= 80)
        {
            Assert.All(names, name => Assert.Contains(status, line => Regex.IsMatch(line, $"^{name} +not connected ")));
            Assert.All(status[1..], line => Assert.Matches(columns == 80 ? " reads .*…$" : " reads 日本.*…$", line));
        }
    }

    [Fact]
    public void A_narrow_terminal_cuts_texts_then_leaves_out_columns_but_no_name()
    {
        Screen.Column[] columns =
        [
            "id",
            "kind",
            Screen.Column.Name("agent"),
            "age",
            "commit",
            Screen.Column.Text("description"),
            Screen.Column.Text("note"),
        ];
        Screen.Cell[] row =
        [
            "12",
            "apply_commit",
            "documentation-writer",
            "12 min",
            "0123456789ab",
            new string('d', 300),
            new string('n', 300),
        ];
        const string Fixed = "12  apply_commit  documentation-writer  12 min";

        Assert.Equal($"{Fixed}  0123456789ab  {new string('d', 11)}…  {new string('n', 11)}…", Fitted(88));
        Assert.Equal($"{Fixed}  {new string('d', 13)}…  {new string('n', 11)}…", Fitted(76));
        Assert.Equal($"12  documentation-writer  {new string('d', 7)}…  nnn…", Fitted(40));
        Assert.Equal($"12  documentation-writer  {new string('d', 3)}…", Fitted(30));
        Assert.Equal($"12  documentation-writer  {new string('d', 3)}…", Fitted(10));
        Assert.EndsWith($"{new string('d', 300)}  {new string('n', 300)}", Fitted(1000), StringComparison.Ordinal);

        string Fitted(int width) =>
            string.Join("  ", Screen.Fitted(columns, [row], width).Single().Select(c => c.Text)).TrimEnd();
    }

    [Fact]
    public async Task The_width_of_a_real_terminal_is_used()
    {
        Ok(await hive.RunAsync("spawn", "narrow", "--runtime", "external"));
        using (var agent = await hive.AgentAsync("narrow"))
            await agent.CallAsync("set_status", new { text = new string('x', 200) });
        var command = $"stty cols 80; exec {Built.Command} status narrow --run-dir {hive.RunDir}";
        using var shown = Built.Start(
            "script",
            ["-qec", command, "/dev/null"],
            ("TERM", "xterm-256color"),
            ("SHELL", "/bin/sh")
        );
        var output = await shown.StandardOutput.ReadToEndAsync();
        await shown.WaitForExitAsync();

        Assert.True(shown.ExitCode == 0, output);
        Assert.Contains("\u001b[", output, StringComparison.Ordinal);
        var lines = Escapes().Replace(output, "").Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.All(lines, line => Assert.True(Cells(line) <= 80, line));
        Assert.EndsWith("x…", lines[1], StringComparison.Ordinal);
    }

    // The output on a terminal of that width, without colours.
    private async Task<string[]> OnTerminalAsync(int columns, string verb, params string[] names)
    {
        var shown = await Built.HiveOnAsync(
            Built.Terminal(columns, colours: true),
            [verb, .. names, "--run-dir", hive.RunDir]
        );
        return [.. Ok(shown).Lines.Select(line => Escapes().Replace(line, ""))];
    }

    private static int Cells(string line) => new Spectre.Console.Rendering.Segment(line).CellCount();

    [GeneratedRegex("\u001b(\\[[0-9;?]*[a-zA-Z]|[=>])")]
    private static partial Regex Escapes();
}
