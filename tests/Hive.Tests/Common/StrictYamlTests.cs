using System.Text;
using Hive.Common.Errors;
using Hive.Common.Yaml;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Common;

public sealed class StrictYamlTests
{
    // The parser fails at each with an exception that is not one of YAML.
    public static TheoryData<string> Texts => [": [\nE", "a: 1\nb: [\n: [\nE"];

    [Theory]
    [MemberData(nameof(Texts))]
    public void Any_exception_of_the_parser_is_a_fault_with_its_line(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var one = Assert.Throws<Problem>(() => StrictYaml.Read("agent.yaml", bytes, 1000, ["a", "b"], _ => 0));
        Assert.Equal(ErrorCode.Invalid, one.Code);
        Assert.Matches("^agent.yaml, line [1-9], column [0-9]+: ", one.Message);
        var all = Assert.Throws<Problem>(() =>
            StrictYaml.ReadAll(bytes, new YamlLimits(1000), ["a", "b"], (_, _) => "")
        );
        Assert.Equal(ErrorCode.Invalid, all.Code);
        Assert.Matches("^line [1-9], column [0-9]+: ", all.Message);
    }

    [Theory]
    [InlineData("workflow_load", "text")]
    [InlineData("pattern_load", "text")]
    [InlineData("tickets_load", "text")]
    [InlineData("propose_config", "yaml")]
    public async Task The_doors_refuse_such_a_text_as_invalid(string command, string field)
    {
        var hive = await AllRows.Share(["alice"]);
        using var host = await LineClient.ConnectAsync(hive.HostSocket);
        var fields = new Dictionary<string, string> { [field] = ": [\nE" };
        if (command == "propose_config")
            fields["name"] = "alice";
        var refused = await Assert.ThrowsAsync<HiveException>(() => host.CallAsync(command, fields));
        Assert.Equal("invalid", refused.Code);
        Assert.Contains("line ", refused.Message, StringComparison.Ordinal);
    }
}
