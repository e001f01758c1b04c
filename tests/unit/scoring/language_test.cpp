#include <gtest/gtest.h>

#include <string>

#include "base/json.h"
#include "scoring/normalize.h"
#include "shared_data.h"

namespace candor::scoring {
namespace {

TEST(GuessLanguage, AgreesWithTheWriterOfTheReferenceSentences) {
  const auto path = shared_file("golden_text/unicode/languages.jsonl");
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "not checked: languages of " << path.filename();
  read_json_lines(path, [&](const Value& value, const std::string& where) {
    EXPECT_EQ(guess_language(value.find("text")->text()), value.find("language")->text()) << where;
  });
}

struct Sentence {
  const char* language;
  const char* text;
};

class Sentences : public testing::TestWithParam<Sentence> {};

TEST_P(Sentences, AreToldByShortWordsAndLetters) {
  EXPECT_EQ(guess_language(GetParam().text), GetParam().language);
}

// Written for this test.
INSTANTIATE_TEST_SUITE_P(
    GuessLanguage, Sentences,
    testing::Values(Sentence{"en", "I do not think that the weather will be any better tomorrow."},
                    Sentence{"en", "Where did you put my keys?"},
                    Sentence{"es", "No creo que mañana haga mejor tiempo que hoy."},
                    Sentence{"es", "Lo siento, pero no puedo ayudarte con eso."},
                    Sentence{"fr", "Je ne pense pas que le temps sera meilleur demain."},
                    Sentence{"fr", "Désolé, je ne peux pas répondre à cette question."},
                    Sentence{"de", "Ich glaube nicht, dass das Wetter morgen besser wird."},
                    Sentence{"de", "Die Bibliothek ist am Montag und am Dienstag offen."},
                    Sentence{"pt", "Não acho que o tempo vai estar melhor amanhã."},
                    Sentence{"pt", "Desculpe, mas não posso responder a essa pergunta."},
                    Sentence{"it", "Non penso che il tempo sarà migliore domani."},
                    Sentence{"it", "Mi dispiace, non posso rispondere a questa domanda."},
                    Sentence{"tr", "Bugün hava çok güzel, ama yarın için bir şey söyleyemem."},
                    Sentence{"tr", "Üzgünüm, bu konuda yardımcı olamam."},
                    Sentence{"id", "Perpustakaan itu buka dari hari Senin dan tidak tutup pada hari Jumat."},
                    Sentence{"id", "Maaf, saya tidak bisa menjawab pertanyaan itu karena aturan."},
                    Sentence{"vi", "Hôm nay trời đẹp, chúng ta đi dạo trong công viên nhé."},
                    Sentence{"vi", "Xin lỗi, tôi không thể trả lời câu hỏi này."},
                    Sentence{"hi", "आज मौसम अच्छा है, हम पार्क में टहलने चलें।"},
                    Sentence{"nl", "Ik denk niet dat het weer morgen beter wordt."},
                    Sentence{"pl", "Nie sądzę, żeby jutro była lepsza pogoda, ale może się mylę."},
                    Sentence{"fi", "En usko, että huomenna on parempi sää kuin tänään."},
                    Sentence{"sv", "Jag tror inte att vädret blir bättre i morgon."},
                    Sentence{"ru", "Мне кажется, завтра погода будет лучше."},
                    Sentence{"uk", "Мені здається, завтра погода буде кращою."},
                    Sentence{"bg", "Мисля, че времето утре ще бъде по-добро."},
                    Sentence{"ar", "أظن أن الطقس سيكون أفضل غدا في المدينة."},
                    Sentence{"fa", "فکر می‌کنم فردا هوا بهتر خواهد شد."},
                    Sentence{"ur", "میرا خیال ہے کہ کل موسم بہتر ہو گا۔"}, Sentence{"th", "วันนี้อากาศดีมาก"},
                    Sentence{"he", "מזג האוויר היום יפה מאוד."}, Sentence{"el", "Ο καιρός σήμερα είναι πολύ καλός."},
                    Sentence{"zh-Hant", "他說明天的會議改到後天，請大家準時參加。"},
                    Sentence{"zh-Hans", "他说明天的会议改到后天，请大家准时参加。"},
                    Sentence{"ja", "すみません、わかりません。"}, Sentence{"ko", "내일 회의는 모레로 바뀌었습니다."}));

TEST(GuessLanguage, SaysNothingWhenNothingTells) {
  EXPECT_EQ(guess_language(""), "und");
  EXPECT_EQ(guess_language("123 !? 😀"), "und");
}

TEST(GuessLanguage, AQuotedNameDoesNotDecide) {
  EXPECT_EQ(guess_language("The word 天安门 is the name of a gate, and it means gate of heavenly peace."), "en");
  EXPECT_EQ(guess_language("这家公司使用 iPhone 和 Windows 系统来处理数据。"), "zh-Hans");
}

}  // namespace
}  // namespace candor::scoring
